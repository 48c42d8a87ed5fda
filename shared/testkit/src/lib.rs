//! Real servers and processes for tests and measurements: a [`World`] of its own for each, which leaves nothing
//! running behind and nothing on the disk, however the test ends.
//!
//! It knows no business noun. Everything here but [`until()`] is synchronous, so that a world can be shared by tests
//! that each bring their own runtime.
#![allow(clippy::disallowed_methods, reason = "what happens to real processes is timed by the real clock")]

mod nats;
mod ports;
mod process;
mod proxy;
mod smtp;
mod until;
mod world;

pub use nats::NatsServer;
pub use ports::free_port;
pub use process::{Process, Program};
pub use proxy::Proxy;
pub use smtp::SmtpServer;
pub use until::until;
pub use world::{World, binary, workspace};
