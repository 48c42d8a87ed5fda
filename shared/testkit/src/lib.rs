//! Real servers and processes for tests and measurements. Each test has a [`World`] of its own, which leaves no process
//! and no file behind, however the test ends.
//!
//! It knows no business noun. Everything but [`until()`] is synchronous, so that tests with runtimes of their own can
//! share a world.
#![allow(clippy::disallowed_methods, reason = "real processes are timed by the real clock")]

mod damage;
mod database;
mod nats;
mod other_process;
mod ports;
mod process;
mod proxy;
mod smtp;
mod until;
mod world;

pub use database::copy_database;
pub use nats::NatsServer;
pub use other_process::same_in_another_process;
pub use ports::free_port;
pub use process::{Process, Program};
pub use proxy::Proxy;
pub use smtp::SmtpServer;
pub use until::until;
pub use world::{World, binary, workspace};
