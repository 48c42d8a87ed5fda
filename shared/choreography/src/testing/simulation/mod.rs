//! The simulation: stories that are drawn from a seed, run in a [`Harness`](super::Harness), and checked.

mod checks;
mod event;
mod lines;
mod losses;
mod operator;
mod random;
mod run;
mod shrink;
mod story;
mod troubles;
mod updates;
mod world;

pub use event::Event;
pub use lines::StoryError;
pub use losses::Losses;
pub use random::Random;
pub use run::{Broken, Outcome};
pub use story::{Size, Step, Story};
pub use world::World;
