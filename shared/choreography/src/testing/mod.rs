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
//!
//! # Simulation
//!
//! A [`World`] is an application with the people around it. A [`Story`] is drawn from a seed: what people do, and what goes
//! wrong meanwhile. After it all troubles are ended, and within bounded time everything that was published must be received,
//! every queue empty, every service healthy, and what the world checks must hold. The messages are reordered and repeated only
//! as a JetStream consumer and a publisher that republishes can: nothing is simulated that the real server can't do.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//!
//! use choreography::testing::{Harness, Losses, Random, Services, Size, Story, World};
//! use choreography::{Choreography, Command, Message, Row, nothing};
//! use serde::{Deserialize, Serialize};
//!
//! # #[derive(Clone, Serialize, Deserialize, Command)]
//! # #[command(name = "throw-ball", key = ball, row = Thrown)]
//! # struct ThrowBall { ball: u32 }
//! # #[derive(Clone, Serialize, Deserialize, Message)]
//! # #[message(name = "ball-thrown", key = ball, role = event)]
//! # struct BallThrown { ball: u32 }
//! # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
//! # #[row(table = "thrown", key = u32)]
//! # struct Thrown;
//! # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
//! # #[row(table = "caught", key = u32)]
//! # struct Caught { times: u32 }
//! # fn throw_ball(command: &ThrowBall, thrown: &mut Option<Thrown>) -> Option<BallThrown> {
//! #     thrown.replace(Thrown).is_none().then_some(BallThrown { ball: command.ball })
//! # }
//! # fn catch_ball(_: &BallThrown, caught: &mut Option<Caught>) {
//! #     *caught = Some(Caught { times: 1 });
//! # }
//! #[derive(Default)]
//! struct Game;
//!
//! impl World for Game {
//!     type Action = u32; // the ball that somebody throws
//!
//!     fn draw(random: &mut Random, size: usize) -> Vec<(Duration, u32)> {
//!         (0..size as u32).map(|ball| (random.within(Duration::from_secs(30)), ball)).collect()
//!     }
//!
//!     fn services(&self) -> Vec<Choreography> {
//!         let thrower = Choreography::new("thrower").command(throw_ball);
//!         vec![thrower, Choreography::new("catcher").on(catch_ball).fallback(nothing::<BallThrown>)]
//!     }
//!
//!     async fn act(self: Arc<Self>, ball: u32, services: Services) {
//!         let _ = services.insist(ThrowBall { ball }, None).await;
//!     }
//!
//!     fn check(&self, harness: &Harness, _: &Losses) -> Result<(), String> {
//!         let (thrown, caught) = (harness.all::<Thrown>().len(), harness.all::<Caught>().len());
//!         if thrown == caught { Ok(()) } else { Err(format!("{caught} of {thrown} balls were caught")) }
//!     }
//! }
//!
//! for seed in 0..5 {
//!     let story = Story::draw::<Game>(seed, Size { actions: 10, troubles: 3 });
//!     if let Err(broken) = story.run::<Game>() {
//!         let (shortest, broken) = story.shrink::<Game>(broken, 100);
//!         panic!("seed {seed}: {broken}\n{shortest}");
//!     }
//! }
//! ```

mod contents;
mod copies;
mod effect_troubles;
mod harness;
mod inject;
mod inside;
mod member;
mod outside;
mod outside_outbox;
mod properties;
mod published;
mod release;
mod services;
mod simulation;
mod trouble;

pub use crate::planted::{Planted, PlantedBug};
pub use effect_troubles::EffectTrouble;
pub use harness::Harness;
pub use properties::{Moment, Properties, check_properties};
pub use published::Published;
pub use release::Release;
pub use services::Services;
pub use simulation::{Broken, Event, Losses, Outcome, Random, Size, Step, Story, StoryError, World};
pub use trouble::Trouble;
