//! Connects the tasks of a service with each other and starts them.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::breaker_task::BreakerTask;
use super::effects::Effects;
use super::execute::QueuedCommand;
use super::outbox_relay::{HeldRows, OutboxRelay, Paces};
use super::reader::{READ_BYTES_MAX, Reader};
use super::shared::Shared;
use super::tasks::Tasks;
use super::worker::{Inputs, Outputs, Worker};
use crate::breaker::Circuits;
use crate::bus::Bus;
use crate::declare::choreography::Choreography;
use crate::settings::{COMMANDS_MAX, EFFECTS_TRIED_MAX, Settings};
use crate::store::Store;

/// The largest number of batches in a channel from one task to the next, so that the next one is ready in time.
const BATCHES_HANDED_OVER_MAX: usize = 4;

/// A running engine: its tasks, and what they share with callers.
pub(crate) struct Engine {
    pub shared: Shared,
    pub commands: mpsc::Sender<QueuedCommand>,
    pub tasks: Tasks,
}

/// Starts the tasks of a service. Must be called in a tokio runtime.
pub(crate) fn start(
    choreography: Arc<Choreography>,
    store: Arc<dyn Store>,
    bus: Arc<dyn Bus>,
    settings: &Settings,
) -> Engine {
    let shared = Shared::starting(&settings.clock);
    let (feed_sender, feed) = mpsc::channel(BATCHES_HANDED_OVER_MAX);
    let (command_sender, commands) = mpsc::channel(COMMANDS_MAX);
    let (tried_sender, tried) = mpsc::channel(EFFECTS_TRIED_MAX);
    let (committed_sender, committed) = mpsc::channel(BATCHES_HANDED_OVER_MAX);
    let (unsendable_sender, unsendable) = mpsc::channel(1);
    let (added_sender, added) = mpsc::channel(BATCHES_HANDED_OVER_MAX);
    let reader = Reader {
        service: choreography.service,
        receives: choreography.received_messages(),
        store: store.clone(),
        bus: bus.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        consumer: format!("{}-{}", choreography.service, settings.instance),
        feed: feed_sender,
        room: Arc::new(Semaphore::new(READ_BYTES_MAX)),
        held_epoch: None,
    };
    let relay = OutboxRelay {
        service: choreography.service,
        store: store.clone(),
        bus: bus.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        committed,
        unsendable: unsendable_sender,
        held: HeldRows::default(),
        paces: Paces::new(settings.circuit_pace_min),
        circuit_messages: Arc::new(choreography.circuit_messages()),
        versions: Arc::new(choreography.versions_read()),
        receives: choreography.receives_any(),
    };
    let breaker_task = BreakerTask {
        choreography: choreography.clone(),
        bus,
        shared: shared.clone(),
        settings: settings.clone(),
        circuits: Circuits::new(settings.circuit_threshold, settings.clock.now()),
        reported: BTreeMap::new(),
        unreadable_up_to: 0,
    };
    let effects = Effects {
        choreography: choreography.clone(),
        store: store.clone(),
        shared: shared.clone(),
        settings: settings.clone(),
        added,
        tried: tried_sender,
        guard: None,
    };
    let inputs = Inputs { feed, commands, effects: tried, unsendable };
    let outputs = Outputs { outbox: committed_sender, effects: added_sender };
    let worker = Worker::new(choreography, store, shared.clone(), settings.clone(), inputs, outputs);
    let tasks = Tasks::new(shared.stopping.clone());
    tasks.start("worker", worker.run());
    tasks.start("reader", reader.run());
    tasks.start("outbox relay", relay.run());
    tasks.start("circuit breaker", breaker_task.run());
    tasks.start("effects", effects.run());
    Engine { shared, commands: command_sender, tasks }
}
