//! A service starts on a database that is damaged in some columns: it is refused with a clear error, or the service goes
//! on; nothing panics, and the service stops.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use choreography::bus::memory::{MemoryBus, StoredCopy};
use choreography::recovery::Recovery;
use choreography::store::sqlite::SqliteStore;
use choreography::{Envelope, Service, Settings, StartError};
use contracts::NAMESPACE;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::damage::{Column, Damage, complete, damage};
use crate::shop::{messages_for, received_by, service};
use crate::target::{Case, Started};

/// The services whose databases are damaged: with scheduled messages, and with effects.
const SERVICES: [&str; 2] = ["payment", "notify"];
const OUTBOX: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0007);
/// How long a service works on a damaged database.
const TIME: Duration = Duration::from_millis(40);
/// How long a service fills a database.
const FILLING: Duration = Duration::from_millis(500);
/// How long everything may take: a service that stops waits five seconds for what is under way.
const PATIENCE: Duration = Duration::from_secs(20);

/// A damaged database is read or refused.
pub(crate) fn damaged() -> Box<dyn Started> {
    let columns: Vec<(&'static str, Vec<Column>)> =
        SERVICES.iter().map(|name| (*name, Filled::of(name).columns)).collect();
    Case::of(
        move |draw| {
            let (name, columns) = draw.one(&columns);
            let damages: Vec<Damage> = (0..draw.below(3) + 1).map(|_| Damage::of(draw.one(columns), draw)).collect();
            (*name, damages)
        },
        || {
            let databases = SERVICES.map(|name| (name, Filled::of(name)));
            Box::new(move |(name, damages): &(&'static str, Vec<Damage>)| {
                let database = databases.iter().find(|(known, _)| known == name).expect("it is one of the services");
                database.1.check(damages);
            })
        },
    )
}

/// A service's database and its server, as the service has left them.
struct Filled {
    name: &'static str,
    file: Vec<u8>,
    columns: Vec<Column>,
    bus: MemoryBus,
    messages: StoredCopy,
    directory: TempDir,
    runtime: Runtime,
}

impl Filled {
    fn of(name: &'static str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let directory = TempDir::new().expect("a directory");
        let path = path_in(&directory);
        let bus = runtime.block_on(async { MemoryBus::new() });
        let filters: Vec<String> = received_by(name).iter().map(|subject| format!("{subject}.*")).collect();
        bus.add_consumer(&format!("{name}-0"), &filters.iter().map(String::as_str).collect::<Vec<_>>());
        let columns = runtime.block_on(async {
            let service = start(name, &path, &bus).await.expect("a new database");
            publish_to(name, &bus);
            tokio::time::sleep(FILLING).await;
            service.stop().await;
            complete(&path).await.expect("the database of a service")
        });
        let (file, messages) = (fs::read(&path).expect("the database's file"), bus.faults().copy());
        Self { name, file, columns, bus, messages, directory, runtime }
    }

    fn check(&self, damages: &[Damage]) {
        let path = path_in(&self.directory);
        for more in ["", "-wal", "-shm"] {
            _ = fs::remove_file(format!("{path}{more}"));
        }
        fs::write(&path, &self.file).expect("a file can be written");
        self.bus.faults().put_back(&self.messages);
        let used = async {
            damage(&path, damages).await.expect("a database can be damaged");
            self.work(&path).await;
        };
        let done = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, used).await });
        done.expect("the service stops");
    }

    /// Starts the service, lets it read and an operator look at it, and stops it.
    async fn work(&self, path: &str) {
        match start(self.name, path, &self.bus).await {
            Ok(service) => {
                publish_to(self.name, &self.bus);
                tokio::time::sleep(TIME).await;
                service.stop().await;
            }
            Err(refused) => assert!(refused.to_string().len() > 20, "{refused}"),
        }
        if let Ok(store) = SqliteStore::open_existing(self.name, path).await {
            let recovery = Recovery { store: &store, bus: &self.bus };
            _ = recovery.report().await;
            _ = recovery.accept_lost().await;
        }
    }
}

fn path_in(directory: &TempDir) -> String {
    let path: PathBuf = directory.path().join("service.db");
    path.display().to_string()
}

async fn start(name: &str, path: &str, bus: &MemoryBus) -> Result<Service, StartError> {
    let settings = Settings { namespace: NAMESPACE.to_owned(), ..Settings::default() };
    Service::builder(service(name)).settings(settings).bus(Arc::new(bus.clone())).sqlite(path).start().await
}

/// Publishes an example of each message that a service receives, with the next numbers.
fn publish_to(name: &str, bus: &MemoryBus) {
    for message in messages_for(name) {
        let kind = message.subject.split('.').take(2).collect::<Vec<_>>().join(".");
        let before = bus.published().into_iter().filter(|known| known.envelope.subject.starts_with(&kind)).count();
        let headers = message.headers.with("ce-outbox", OUTBOX.to_string());
        let headers = headers.with("ce-number", (before + 1).to_string());
        bus.publish(&Envelope { headers, ..message }).expect("the server takes it");
    }
}
