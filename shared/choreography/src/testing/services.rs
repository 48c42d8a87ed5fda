//! The services of an application in a harness, as their callers reach them while instances come and go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::{Command, ExecuteError, Idempotency, IdempotencyKey, Request, Service};

/// The pause before a command is sent again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The services of an application in a [`Harness`](super::Harness): a command goes to a running instance of the service
/// that knows it. A clone is the same.
#[derive(Clone, Default)]
pub struct Services {
    entries: Arc<Mutex<BTreeMap<&'static str, Entry>>>,
}

#[derive(Default)]
struct Entry {
    commands: Vec<&'static str>,
    /// By their numbers; those that crashed are among them.
    instances: Vec<Service>,
}

impl Services {
    fn entries(&self) -> MutexGuard<'_, BTreeMap<&'static str, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, name: &'static str, commands: &[&'static str], instances: &[Service]) {
        let entry = Entry { commands: commands.to_vec(), instances: instances.to_vec() };
        self.entries().insert(name, entry);
    }

    /// Returns every running instance, by service and number.
    pub fn running(&self) -> Vec<Service> {
        let entries = self.entries();
        let instances = entries.values().flat_map(|entry| &entry.instances);
        instances.filter(|service| service.is_running()).cloned().collect()
    }

    /// Executes a command by the running instance with the lowest number of the service that knows it.
    ///
    /// # Errors
    /// As [`Service::execute_as`]; [`ExecuteError::Stopped`] if no instance runs.
    ///
    /// # Panics
    /// When no service of the application knows the command.
    pub async fn execute<C: Command>(&self, command: C, request: Request) -> Result<C::Row, ExecuteError> {
        let running = {
            let entries = self.entries();
            let knowing = entries.values().find(|entry| entry.commands.contains(&C::NAME));
            let knowing = knowing.unwrap_or_else(|| panic!("no service of the application knows {}", C::NAME));
            knowing.instances.iter().find(|service| service.is_running()).cloned()
        };
        match running {
            Some(service) => service.execute_as(command, request).await,
            None => Err(ExecuteError::Stopped),
        }
    }

    /// Executes a command, under an idempotency key if it has one, and sends it again every second while no instance
    /// takes it.
    ///
    /// # Errors
    /// As [`Service::execute_as`], but for what is over after a while.
    pub async fn insist<C: Command>(&self, command: C, key: Option<&str>) -> Result<C::Row, ExecuteError> {
        let idempotency = key.map(|key| Idempotency {
            key: IdempotencyKey { route: C::NAME.to_owned(), caller: "simulation".to_owned(), key: key.to_owned() },
            body_hash: serde_json::to_string(&command).unwrap_or_default(),
        });
        loop {
            let request = Request { idempotency: idempotency.clone(), ..Request::default() };
            match self.execute(command.clone(), request).await {
                Err(
                    ExecuteError::Stopped | ExecuteError::Busy | ExecuteError::KeyRunning | ExecuteError::Closed { .. },
                ) => tokio::time::sleep(AGAIN_AFTER).await,
                done => return done,
            }
        }
    }
}
