//! A pull subscription in memory.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::SharedWorld;
use super::lifetime::Lifetime;
use crate::bus::{BusError, Deliveries, Delivery};
use crate::instance_control::InstanceControl;

/// The most messages that are sent ahead. As with the real server, the next pull does not get them without a reset.
const AHEAD_MAX: usize = 1_024;

/// How long the server may be silent: two missed heartbeats of five seconds.
const SILENCE: Duration = Duration::from_secs(10);

pub(super) struct PullSubscription {
    shared: Arc<SharedWorld>,
    life: Lifetime,
    control: InstanceControl,
    consumer: String,
    existed: bool,
    /// The number of changes when the server was asked last.
    seen: u64,
    ahead: VecDeque<Delivery>,
}

impl PullSubscription {
    pub(super) fn begin(shared: Arc<SharedWorld>, life: Lifetime, control: InstanceControl, consumer: &str) -> Self {
        let existed = shared.world().consumers.contains_key(consumer);
        Self { shared, life, control, consumer: consumer.to_owned(), existed, seen: 0, ahead: VecDeque::new() }
    }

    /// Takes what the server sends now.
    fn gather(&mut self) -> Result<(), BusError> {
        self.life.check()?;
        let mut world = self.shared.world();
        if world.silent || world.deliver(&self.consumer, AHEAD_MAX, &mut self.ahead) {
            return Ok(());
        }
        Err(match self.existed {
            true => BusError::Lost("the pull ended: 409 Consumer Deleted".to_owned()),
            false => BusError::Refused(format!("{}: no such consumer", self.consumer)),
        })
    }

    /// Waits until the server may have something to send.
    async fn change(&mut self) -> Result<(), BusError> {
        let silence = self.shared.world().silent;
        let silent_too_long = async {
            match silence {
                true => tokio::time::sleep(SILENCE).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            reason = self.life.end() => Err(BusError::Lost(reason)),
            () = self.shared.changes.wait_for(|changes| *changes != self.seen) => Ok(()),
            () = silent_too_long => Err(BusError::Lost(format!("the server was silent for {SILENCE:?}"))),
        }
    }
}

#[async_trait]
impl Deliveries for PullSubscription {
    // No delivery is held across an await: a caller that stops waiting loses nothing.
    async fn next(&mut self, max: usize) -> Result<Vec<Delivery>, BusError> {
        loop {
            self.control.pass().await;
            self.shared.travel().await;
            self.seen = self.shared.changes.get();
            self.gather()?;
            if !self.ahead.is_empty() {
                let count = max.min(self.ahead.len());
                return Ok(self.ahead.drain(..count).collect());
            }
            self.change().await?;
        }
    }
}
