//! An application as a simulation runs it: its services, and the people around them.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use super::losses::Losses;
use super::random::Random;
use crate::testing::harness::Harness;
use crate::testing::services::Services;
use crate::{Choreography, Settings};

/// An application and the people around it, as a simulation runs them: what they do is drawn as data, and done to the
/// application's services in a [`Harness`]. A new one is made for each run.
///
/// Troubles begin while actions come, and last two minutes at most, but for a full disk, which now and then lasts an hour.
/// A step expires after ten minutes ([`Settings::message_deadline`]): so few expire, and few of their fallbacks run. So
/// that they do, shorten the deadline in [`settings`](Self::settings), or draw actions over more time than it, and add
/// troubles that last longer in [`change_troubles`](Self::change_troubles).
pub trait World: Default + Send + Sync + 'static {
    /// What somebody does. It names everything by what the story says, so that it means the same in each part of it.
    type Action: Clone + Debug + Send + 'static;

    /// Draws what is done in a story of a size, each with the time since the start of the application.
    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Self::Action)>;

    /// Changes what goes wrong in a story, each with the time since the start, until about the `end` of the actions: leaves
    /// out what this application does not stand, and adds what not every one stands. Changes nothing by default.
    fn change_troubles(_random: &mut Random, _end: Duration, _troubles: &mut Vec<(Duration, Event<Self::Action>)>) {}

    /// Returns the services of the application.
    fn services(&self) -> Vec<Choreography>;

    /// Returns earlier releases of some of the services: in some stories they are replaced by the current ones, with both at
    /// work side by side. None by default.
    fn earlier_services(&self) -> Vec<Choreography> {
        Vec::new()
    }

    /// Returns the settings of the services. The default ones by default.
    fn settings(&self) -> Settings {
        Settings::default()
    }

    /// Does one thing, while others go on. Whoever gets no reply tries again, as people do, or leaves it.
    fn act(self: Arc<Self>, action: Self::Action, services: Services) -> impl Future<Output = ()> + Send;

    /// Checks what must hold once everything has come to its end: called after all troubles, until it holds, or the
    /// simulation's patience is over. What is lost for good is no reason to fail; everything else must hold.
    ///
    /// # Errors
    /// What does not hold, or not yet.
    fn check(&self, harness: &Harness, losses: &Losses) -> Result<(), String>;
}
