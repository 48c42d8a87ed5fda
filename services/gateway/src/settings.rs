//! The gateway's settings: the services behind it, and whose tokens count.

use clap::{Parser, Subcommand};

use crate::door::DoorSettings;
use crate::limits::LimitSettings;
use crate::pages::IssuerSettings;
use crate::tokens::{TokenCommand, TokenSettings};
use crate::upstreams::UpstreamSettings;

/// The settings of the gateway.
#[derive(Debug, Clone, Parser)]
pub struct Settings {
    /// What every service has.
    #[command(flatten)]
    pub service: choreography_axum::Settings,
    /// The services behind it.
    #[command(flatten)]
    pub upstreams: UpstreamSettings,
    /// Whose tokens count.
    #[command(flatten)]
    pub tokens: TokenSettings,
    /// Where visitors of the pages sign in.
    #[command(flatten)]
    pub issuer: IssuerSettings,
    /// How many requests are allowed.
    #[command(flatten)]
    pub limits: LimitSettings,
    /// What is around everything.
    #[command(flatten)]
    pub door: DoorSettings,
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do instead of serving.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Print a token for a laptop, signed with the development key, and exit
    Token(TokenCommand),
}
