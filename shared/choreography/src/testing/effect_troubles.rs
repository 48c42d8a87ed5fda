//! What goes wrong around the effects of a service, whatever they do.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Choreography;
use crate::declare::effect_error::EffectError;

/// What goes wrong around effects. A clone is the same.
#[derive(Clone, Default)]
pub(super) struct EffectTroubles {
    current: Arc<Mutex<EffectTrouble>>,
}

/// What goes wrong around each effect from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum EffectTrouble {
    /// Nothing.
    #[default]
    None,
    /// It takes so much longer.
    Slow(Duration),
    /// It never ends: its time-out does.
    Hangs,
    /// It fails before it has done anything.
    FailsBefore,
    /// It fails after it has done everything, as if the reply of the outside world were lost.
    FailsAfter,
}

impl EffectTroubles {
    /// Puts the troubles around the effects of a choreography.
    pub(super) fn surround(&self, choreography: &mut Choreography) {
        for effect in &mut choreography.effects {
            let troubles = self.clone();
            effect.wrap(move |run| {
                let troubles = troubles.clone();
                Box::pin(async move {
                    match troubles.current() {
                        EffectTrouble::None => run.await,
                        EffectTrouble::Slow(longer) => {
                            tokio::time::sleep(longer).await;
                            run.await
                        }
                        EffectTrouble::Hangs => pending().await,
                        EffectTrouble::FailsBefore => Err(EffectError::transient("a test lets it fail")),
                        EffectTrouble::FailsAfter => {
                            run.await?;
                            Err(EffectError::transient("a test lets it fail when it is done"))
                        }
                    }
                })
            });
        }
    }

    /// Sets what goes wrong from now on.
    pub(super) fn set(&self, trouble: EffectTrouble) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }

    fn current(&self) -> EffectTrouble {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
