#![doc = include_str!("../README.md")]

mod api_document;
mod body;
mod caller;
mod circuits;
mod command_route;
mod connections;
mod descriptors;
mod failure;
mod find;
mod health;
mod idempotent;
mod identity;
mod json;
mod paging;
mod path_and_query;
mod problem;
mod request_metrics;
mod router;
mod serve;
mod settings;
mod stopping;
#[cfg(feature = "testing")]
pub mod testing;

// Their types are part of this crate's public API.
#[doc(no_inline)]
pub use axum;
#[doc(no_inline)]
pub use clap;
#[doc(no_inline)]
pub use utoipa;
#[doc(no_inline)]
pub use utoipa_axum;

pub use body::WholeBody;
pub use caller::Caller;
pub use command_route::post_command;
pub use failure::Failure;
pub use find::find;
pub use idempotent::{Idempotent, OptionalKey, RequiredKey};
pub use identity::{CallerIdentity, GatewayKey, IdentityClaims, InvalidGatewayKey};
pub use json::Json;
pub use paging::{LIMIT_DEFAULT, Listing, Paged, Paging};
pub use path_and_query::{Path, Query};
pub use problem::{InvalidField, Problem};
pub use router::{BODY_BYTES_MAX, router};
pub use serve::{Serve, ServeError, serve};
pub use settings::{InvalidDatabaseUrl, InvalidDuration, Settings, duration, settings};
pub use stopping::Stopping;

#[cfg(test)]
mod tests;
