//! The shop's services, messages and rows, for tests that need no processes.

mod door;
mod kinds;
mod releases;
mod services;

pub use door::{CUSTOMER, GatewayInMemory};
pub use kinds::{Kinds, messages, rows};
pub use releases::{Release, directory, releases};
pub use services::services;
