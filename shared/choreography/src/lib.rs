#![doc = include_str!("../README.md")]

mod batch;
mod breaker;
mod cache;
mod choreography;
mod circuit;
mod clock;
mod derive;
mod effect;
mod effects;
mod envelope;
#[cfg(debug_assertions)]
mod fault;
mod function;
mod headers;
mod map;
mod message;
mod opening;
mod publisher;
mod reader;
mod reading;
mod repair;
mod row;
mod saying;
mod service;
mod settings;
mod state;
mod step;
mod tables;
mod tell;
mod words;
mod worker;

pub mod bus;
pub mod letters;
pub mod provision;
pub mod store;

pub use choreography::{Choreography, Edge};
pub use circuit::{Breaker, Circuit, CircuitState};
pub use clock::Clock;
pub use effect::Effect;
pub use envelope::{Envelope, Heading, valid_trace};
#[cfg(debug_assertions)]
pub use fault::Fault;
pub use function::{AnswersWith, Argument, Function, Load, MayBeMissing, nothing};
pub use headers::Headers;
pub use map::Map;
pub use message::{Command, Concerns, Dead, Hear, Heard, Key, Later, Message, Reason};
pub use row::{ByMessage, Row, Rows};
pub use service::{Column, List, Listed, Page, Service, start};
pub use settings::{PAGE_MAX, Settings};
pub use state::Health;
pub use step::Kind;
pub use store::IdempotencyKey;
pub use tell::{Once, Request, TellError};
pub use words::{Answers, PAYLOAD_BYTES_MAX, Refused, Says, Word, Words};
