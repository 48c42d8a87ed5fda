//! The shop as customers, operators and intruders see it: over HTTP, by mail and on the message server.
//!
//! [`Premises`] are the real processes on a real server; a [`Shop`] is one test's view of them. Nothing here uses the
//! services' own types, only their public interfaces.
#![allow(clippy::disallowed_methods, reason = "outside of the shop, time and ids are the real ones")]

pub mod bench;
pub mod chaos;
mod http;
mod invariants;
mod length;
mod mail;
mod orders;
mod premises;
mod repair;
mod service;
mod shelf;
mod shop;
mod wire;

pub use http::Reply;
pub use invariants::PUBLISHED_MAX;
pub use length::length;
pub use mail::Mail;
pub use orders::{Order, Request};
pub use premises::{Plan, Premises};
pub use service::{SERVICES, Service, UNLIMITED, users};
pub use shop::{PATIENCE, Shop};
pub use wire::{StoredMessage, headers};
