#![cfg_attr(all(feature = "sqlite", feature = "jetstream"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "sqlite", feature = "jetstream")),
    doc = "Services that work together through messages, without a coordinator. The features `sqlite` and `jetstream` are off \
           in this build, or one of them is: so is the guide, which needs both."
)]

mod breaker;
mod builder;
mod clock;
mod declare;
mod engine;
mod query;
mod service;
mod settings;
mod testing;
mod wire;

pub mod bus;
#[cfg(feature = "jetstream")]
pub mod dead_letters;
#[cfg(feature = "jetstream")]
pub mod provision;
pub mod store;

pub use breaker::{BreakerStatus, Circuit, CircuitState};
pub use builder::{ServiceBuilder, StartError};
pub use clock::Clock;
pub use declare::choreography::{Choreography, Edge};
pub use declare::effect::Effect;
pub use declare::function::{Function, MayBeMissing, RepliesWith, RowArgument, RowArguments, nothing};
pub use declare::handler::HandlerKind;
pub use declare::map::Map;
pub use declare::message::{Command, Concerns, Dead, Incoming, Key, Message, ReactionInput, Scheduled};
pub use declare::outgoing::{CommandOutput, Outgoing, OutgoingType, PAYLOAD_BYTES_MAX, ReactionOutput, Rejected};
pub use declare::row::{ByMessage, Row, Rows};
pub use engine::execute::{ExecuteError, Idempotency, Request};
pub use engine::shared::Health;
pub use query::{Column, List, Listed, PAGE_MAX, Page};
pub use service::{RunError, Service};
pub use settings::Settings;
pub use store::IdempotencyKey;
#[cfg(debug_assertions)]
pub use testing::fault::Fault;
pub use wire::dead_letter::Reason;
pub use wire::envelope::{Envelope, Heading, valid_trace};
pub use wire::headers::Headers;
pub use wire::subject::InvalidKey;
