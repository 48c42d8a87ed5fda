//! One try of an effect.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use jiff::Timestamp;

use crate::declare::choreography::Choreography;
use crate::declare::effect_error::EffectError;
use crate::declare::guarded::panic_text;
use crate::declare::outgoing::OutgoingMessage;
use crate::fault::{Fault, FaultyFunction};
use crate::store::{EffectRow, Listing, Store};
use crate::wire::envelope::Heading;

/// One try of an effect.
pub(super) struct EffectTry {
    pub choreography: Arc<Choreography>,
    pub store: Arc<dyn Store>,
    pub row: EffectRow,
    /// Whether to ask `.unless` first.
    pub asks: bool,
    /// How many processes have crashed on the effect, if it must not be tried any more.
    pub crashes: Option<u32>,
    pub now: Timestamp,
    /// How long it may take.
    pub time_max: Duration,
    pub fault: Option<Fault>,
}

/// What a try came to that did not fail.
pub(super) enum Ran {
    /// The effect ran, and publishes this.
    Done(Vec<OutgoingMessage>),
    /// The effect was not run, for this reason.
    Obsolete(String),
}

impl EffectTry {
    /// Runs the effect once. A panic, and a try that takes too long, are transient failures.
    pub(super) async fn run(self) -> Result<Ran, EffectError> {
        let trying = tokio::time::timeout(self.time_max, self.ask_and_run());
        match AssertUnwindSafe(trying).catch_unwind().await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(EffectError::transient(format!("it did not end within {:?}", self.time_max))),
            Err(panic) => Err(EffectError::transient(panic_text(panic.as_ref()))),
        }
    }

    async fn ask_and_run(&self) -> Result<Ran, EffectError> {
        if let Some(crashes) = self.crashes {
            return Err(EffectError::permanent(format!("deadly: {crashes} processes crashed on it")));
        }
        let envelope = &self.row.envelope;
        let (_, name, key) = envelope.parts().ok_or_else(|| EffectError::permanent("its subject is unreadable"))?;
        let heading = Heading::read(envelope).map_err(EffectError::permanent)?;
        let version = heading.version();
        let effect = self.choreography.effect_handler(name);
        let effect = effect.ok_or_else(|| EffectError::permanent(format!("there is no effect for {name}")))?;
        if let Some(unless) = effect.unless.as_ref().filter(|_| self.asks) {
            let input = effect.decode(version, &envelope.payload, key, heading.id, self.now);
            let input = input.map_err(EffectError::permanent)?;
            let state = self.state(unless.table, key).await?;
            let reason = unless.reason_of(&input, state.as_deref()).map_err(EffectError::permanent)?;
            if let Some(reason) = reason {
                return Ok(Ran::Obsolete(reason));
            }
        }
        if let Some(fault) = &self.fault {
            fault.strike(FaultyFunction::Effect, name, &envelope.payload);
        }
        effect.run(version, envelope.payload.clone(), heading.id, self.now).await.map(Ran::Done)
    }

    /// Returns the state of a stored row, if there is one.
    async fn state(&self, table: &'static str, key: &str) -> Result<Option<Arc<str>>, EffectError> {
        Ok(self.store.list(&Listing::of_key(table, key)).await?.pop().map(|row| row.state))
    }
}
