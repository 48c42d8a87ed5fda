//! Wires the tasks of a service together and starts them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::breaker_task::BreakerTask;
use super::effects::Effects;
use super::execute::QueuedCommand;
use super::outbox_relay::{OutboxRelay, RelayProgress};
use super::reader::Reader;
use super::shared::Shared;
use super::worker::{State, Worker};
use crate::breaker::Circuits;
use crate::bus::Bus;
use crate::declare::choreography::Choreography;
use crate::settings::{BATCH_MAX, COMMANDS_MAX, Settings};
use crate::store::Store;

/// The largest number of batches on their way from one task to the next: one in work, and some ready.
const HANDED_MAX: usize = 4;

/// The running tasks of a service, and what they share with its callers.
pub(crate) struct Running {
    pub(crate) shared: Shared,
    pub(crate) commands: mpsc::Sender<QueuedCommand>,
    pub(crate) tasks: Vec<JoinHandle<()>>,
}

/// Starts the tasks of a service. Must be called in a tokio runtime.
pub(crate) fn start(
    choreography: Arc<Choreography>,
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    settings: &Settings,
) -> Running {
    let shared = Shared::new(settings.clock.now());
    let (feed_in, feed) = mpsc::channel(HANDED_MAX);
    let (calls_in, commands) = mpsc::channel(COMMANDS_MAX);
    let (over_in, effects_finished) = mpsc::channel(BATCH_MAX);
    let (committed_in, committed) = mpsc::channel(HANDED_MAX);
    let (effects_added, added) = mpsc::channel(HANDED_MAX);
    let reader = Reader {
        store: store.clone(),
        bus: bus.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        consumer: format!("{}-{}", choreography.service, settings.instance),
        feed: feed_in,
        mine: None,
    };
    let publisher = OutboxRelay {
        store: store.clone(),
        bus: bus.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        committed,
        progress: RelayProgress::default(),
        forward: Arc::new(choreography.circuit_messages()),
    };
    let breaker_task = BreakerTask {
        choreography: choreography.clone(),
        bus,
        shared: shared.clone(),
        settings: settings.clone(),
        circuits: Circuits::new(settings.circuit_threshold, settings.clock.now()),
        reported: BTreeMap::new(),
    };
    let effects = Effects {
        choreography: choreography.clone(),
        store: store.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        added,
        over: over_in,
    };
    let worker = Worker {
        choreography,
        store,
        shared: shared.clone(),
        settings: settings.clone(),
        feed,
        commands,
        effects_finished,
        effects_added,
        committed: committed_in,
        state: State::default(),
    };
    let tasks = vec![
        tokio::spawn(worker.run()),
        tokio::spawn(reader.run()),
        tokio::spawn(publisher.run()),
        tokio::spawn(breaker_task.run()),
        tokio::spawn(effects.run()),
    ];
    Running { shared, commands: calls_in, tasks }
}
