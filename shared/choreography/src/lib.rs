#![cfg_attr(all(feature = "sqlite", feature = "jetstream"), doc = include_str!("../README.md"))]
#![cfg_attr(
    not(all(feature = "sqlite", feature = "jetstream")),
    doc = "Services that work together through messages, without a coordinator. The features `sqlite` and `jetstream` are off \
           in this build, or one of them is: so is the guide, which needs both."
)]
//! ## Where to find it
//!
//! | to | see |
//! |---|---|
//! | declare messages, commands and rows | [`Message`](trait@Message), [`Command`](trait@Command), [`Row`](trait@Row), [`Concerns`] |
//! | write functions | [`Incoming`], [`Dead`], [`Rows`], [`Outgoing`], [`Scheduled`], [`Rejected`], [`EffectError`], [`nothing`] |
//! | put a service together, and see the whole | [`Choreography`], [`Map`] |
//! | run it | [`Service::builder`], [`ServiceBuilder`], [`Settings`], [`Clock`] |
//! | call it | [`Service::execute`], [`Service::get`], [`Service::list`], [`ExecuteError`] |
//! | observe it | [`Service::health`], [`Service::breaker`], [`Service::backlog`], [`Service::story`] |

mod breaker;
mod builder;
mod clock;
mod declare;
mod engine;
mod fault;
mod instance_control;
mod planted;
mod query;
mod run;
#[cfg(feature = "testing")]
mod samples;
mod service;
mod settings;
#[cfg(feature = "testing")]
pub mod testing;
mod watched;
mod wire;

// A derive writes `::choreography`, also in this crate.
extern crate self as choreography;

/// The roles of messages as types, for [`Message::Role`].
pub mod role {
    pub use crate::declare::role::{Compensation, Event, Step};
}

/// What stands only in bounds of this crate's functions. Nothing else implements or calls these traits.
pub mod bounds {
    pub use crate::declare::earlier::read_before;
    pub use crate::declare::effect::{Effect, IsAsync};
    pub use crate::declare::function::{FirstRow, Function, MayBeMissing, RepliesTo};
    pub use crate::declare::input::{FallbackInput, IsCompensation, IsStepOrEvent, ReactionInput};
    pub use crate::declare::output::{CommandOutput, EffectOutput, ReactionOutput};
    pub use crate::declare::payload::{PayloadOf, Undescribed};
    pub use crate::declare::role::{Forward, RoleType};
    pub use crate::declare::row::ByMessage;
    pub use crate::declare::row_arguments::{RowArgument, RowArguments};
}

pub mod bus;
#[cfg(feature = "jetstream")]
pub mod dead_letters;
#[cfg(feature = "jetstream")]
pub mod provision;
pub mod recovery;
pub mod store;

// Crates whose types stand in this crate's public functions.
#[cfg(feature = "jetstream")]
pub use async_nats;
pub use jiff;
pub use serde;
#[cfg(feature = "sqlite")]
pub use sqlx;
pub use uuid;

pub use breaker::{BreakerStatus, Circuit, CircuitState};
pub use builder::{ServiceBuilder, StartError};
pub use choreography_derive::{Command, Message, Row};
pub use clock::Clock;
pub use declare::choreography::Choreography;
pub use declare::edge::{Edge, FallbackEdge};
pub use declare::effect_error::EffectError;
pub use declare::function::nothing;
pub use declare::handler::HandlerKind;
pub use declare::incoming::{Dead, Incoming};
pub use declare::key::{Concerns, Key};
pub use declare::map::Map;
#[cfg(feature = "asyncapi")]
pub use declare::map::asyncapi::{AmbiguousSchema, AsyncApiInfo};
pub use declare::message::{Command, Message, ReadError, Scheduled};
pub use declare::outgoing::{Outgoing, OutgoingType, PAYLOAD_BYTES_MAX};
pub use declare::output::Rejected;
pub use declare::payload::PayloadSchema;
pub use declare::row::{Row, Rows};
pub use engine::execute::{ExecuteError, Idempotency, Request};
pub use engine::health::Health;
pub use fault::{Fault, InvalidFault};
pub use query::{Column, List, Listed, PAGE_MAX, Page};
pub use run::{RunError, stop_signal};
pub use service::Service;
pub use settings::Settings;
pub use store::IdempotencyKey;
pub use wire::dead_letter::Reason;
pub use wire::envelope::{Envelope, Heading, HeadingError, valid_trace};
pub use wire::headers::Headers;
pub use wire::role::Role;
pub use wire::subject::InvalidKey;
