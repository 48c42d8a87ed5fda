//! The shop's pages in a real browser, headless Chromium by WebDriver, on real processes.
#![allow(clippy::disallowed_methods, reason = "outside of the shop, time and ids are the real ones")]
#![allow(unreachable_pub, reason = "a program of tests exports nothing")]
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]

mod accessible;
mod api_page;
mod browser;
mod forms;
mod issuer;
mod live;
mod meanwhile;
mod protected;
mod session;
mod shopping;
mod sign_in;
mod web_driver;
