//! What tests of an application use (feature `testing`): the whole of it in memory, and faults by name.
//!
//! A [`Harness`] starts every service of an application. They run as in production, with the engine that they have there;
//! only their databases and the message server are in memory. One thread runs everything, and time passes only while the
//! test waits, so an hour takes milliseconds. Ids and jitter are drawn from a seed: the same seed gives the same messages,
//! with the same ids and time stamps, in the same order, in every process. That does not cover functions that ask a clock
//! of their own, use threads or the network, or depend on the order of a `HashMap`.
//!
//! A test starts the services, executes commands, and waits for rows. On the way it may let something go wrong
//! ([`Trouble`]), or end and start instances ([`Harness::crash`], [`Harness::start_instance`]): the story should end as it
//! would have ended without.
//!
//! ```
//! use std::time::Duration;
//!
//! use choreography::testing::{Harness, Trouble};
//! use choreography::{Choreography, Command, Message, Row, Settings, nothing};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Clone, Serialize, Deserialize, Command)]
//! #[command(name = "throw-ball", key = ball, row = Thrown)]
//! struct ThrowBall { ball: u32 }
//!
//! #[derive(Clone, Serialize, Deserialize, Message)]
//! #[message(name = "ball-thrown", key = ball, role = event)]
//! struct BallThrown { ball: u32 }
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
//! #[row(table = "thrown", key = u32)]
//! struct Thrown;
//!
//! #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
//! #[row(table = "caught", key = u32)]
//! struct Caught { times: u32 }
//!
//! fn throw_ball(command: &ThrowBall, thrown: &mut Option<Thrown>) -> Option<BallThrown> {
//!     thrown.replace(Thrown).is_none().then_some(BallThrown { ball: command.ball })
//! }
//!
//! fn catch_ball(_: &BallThrown, caught: &mut Option<Caught>) {
//!     *caught = Some(Caught { times: 1 });
//! }
//!
//! fn game(seed: u64) -> Harness {
//!     let thrower = Choreography::new("thrower").command(throw_ball);
//!     let catcher = Choreography::new("catcher").on(catch_ball).fallback(nothing::<BallThrown>);
//!     Harness::start([thrower, catcher], Settings::default(), seed)
//! }
//!
//! // The catcher crashes while the server is down.
//! let mut harness = game(7);
//! harness.inject(Trouble::ServerDown);
//! harness.execute(ThrowBall { ball: 1 }).unwrap();
//! harness.crash("catcher");
//! harness.advance(Duration::from_secs(60));
//! assert_eq!(harness.published().len(), 0);
//! harness.inject(Trouble::ServerUp);
//! harness.start_instance("catcher");
//! let caught = harness.until::<Caught>(&1, |caught| caught.times > 0);
//! assert_eq!(caught.times, 1);
//!
//! // What was published can be looked at.
//! let published = harness.published();
//! assert_eq!(published.len(), 1);
//! assert_eq!((published[0].to_string().as_str(), published[0].key()), ("thrower.ball-thrown", "1"));
//! ```

mod harness;
mod inside;
mod member;
mod published;
mod services;
mod simulation;
mod trouble;

pub use crate::planted::{Planted, PlantedBug};
pub use harness::Harness;
pub use published::Published;
pub use services::Services;
pub use simulation::{Broken, Event, Outcome, Random, Size, Step, Story, World};
pub use trouble::Trouble;
