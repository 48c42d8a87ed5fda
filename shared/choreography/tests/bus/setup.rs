//! A server of either kind, for the claims that both must meet.

use std::sync::Arc;

use choreography::bus::memory::MemoryBus;
use choreography::bus::{Bus, Connection, Stories};
use serde_json::Value;

use crate::server::{Server, request};
use crate::soon;

/// A server of either kind, with a stream that takes `order.*.*` and `payment.*.*`.
pub(crate) struct Setup {
    bus: Arc<dyn Bus>,
    pub(crate) stories: Arc<dyn Stories>,
    control: Control,
}

enum Control {
    Memory(MemoryBus),
    Real(Box<Server>),
}

impl Setup {
    pub(crate) async fn memory() -> Self {
        let memory = MemoryBus::new();
        memory.take_only(&["order.*.*", "payment.*.*"]);
        let (bus, stories) = (Arc::new(memory.clone()), Arc::new(memory.clone()));
        Self { bus, stories, control: Control::Memory(memory) }
    }

    pub(crate) async fn real() -> Self {
        let server = Server::provisioned().await;
        let real = server.bus("admin");
        let (bus, stories) = (Arc::new(real.clone()), Arc::new(real));
        Self { bus, stories, control: Control::Real(Box::new(server)) }
    }

    pub(crate) async fn connect(&self) -> Box<dyn Connection> {
        soon("connecting", self.bus.connect()).await.unwrap()
    }

    pub(crate) async fn add_consumer(&self, name: &str, filters: &[&str]) {
        match &self.control {
            Control::Memory(memory) => memory.add_consumer(name, filters),
            Control::Real(server) => server.add_consumer(name, filters).await,
        }
    }

    pub(crate) async fn remove_consumer(&self, name: &str) {
        match &self.control {
            Control::Memory(memory) => memory.remove_consumer(name),
            Control::Real(server) => {
                let subject = format!("$JS.API.CONSUMER.DELETE.EVENTS.{name}");
                server.admin().await.request(subject, "".into()).await.unwrap();
            }
        }
    }

    /// Removes the messages before a sequence, as an age limit does.
    pub(crate) async fn forget_before(&self, sequence: u64) {
        match &self.control {
            Control::Memory(memory) => memory.faults().forget_before(sequence),
            Control::Real(server) => {
                let admin = server.admin().await;
                let mut info = request(&admin, "$JS.API.STREAM.INFO.EVENTS", Value::Null).await;
                let last = info["state"]["last_seq"].as_u64().unwrap();
                info["config"]["max_msgs"] = (last + 1 - sequence).into();
                let updated = request(&admin, "$JS.API.STREAM.UPDATE.EVENTS", info["config"].take()).await;
                assert!(updated["error"].is_null(), "{updated}");
            }
        }
    }

    pub(crate) async fn restart(&mut self) {
        match &mut self.control {
            Control::Memory(memory) => memory.faults().restart(),
            Control::Real(server) => {
                server.kill();
                server.start_again().await;
            }
        }
    }
}
