//! A real nats-server on a free port, which can be killed, copied and restored.

use std::path::Path;

use choreography::bus::jetstream::{JetStreamBus, JetStreamOptions};
use tempfile::TempDir;
use testkit::{NatsServer, World};

use crate::until;

const CONFIGURATION: &str = "
    host: 127.0.0.1
    port: $NATS_PORT
    jetstream { store_dir: $NATS_STORE_DIR, max_file_store: 1GB }
";

pub(crate) struct Server {
    nats: NatsServer,
    _world: World,
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let world = World::new("engine").unwrap();
        let server = Self { nats: NatsServer::configured(&world, CONFIGURATION).unwrap(), _world: world };
        server.ready().await;
        server
    }

    fn url(&self) -> String {
        self.nats.url()
    }

    async fn ready(&self) {
        until("nats-server is ready", || async {
            match async_nats::connect(self.url()).await {
                Ok(client) => client.request("$JS.API.INFO", "".into()).await.is_ok(),
                Err(_) => false,
            }
        })
        .await;
    }

    pub(crate) async fn client(&self) -> async_nats::Client {
        async_nats::connect(self.url()).await.unwrap()
    }

    pub(crate) fn bus(&self, service: &str) -> JetStreamBus {
        JetStreamBus::new(JetStreamOptions::new(self.url(), service))
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&self) {
        self.nats.process.kill();
    }

    pub(crate) async fn start_again(&self) {
        self.nats.restart().unwrap();
        self.ready().await;
    }

    /// Copies what a killed server has on its disk.
    pub(crate) fn copy(&self) -> TempDir {
        let copy = TempDir::new().unwrap();
        copy_all(self.nats.store(), copy.path());
        copy
    }

    /// Replaces what a killed server has on its disk by a copy.
    pub(crate) fn restore(&self, copy: &TempDir) {
        std::fs::remove_dir_all(self.nats.store()).unwrap();
        copy_all(copy.path(), self.nats.store());
    }
}
