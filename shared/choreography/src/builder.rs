//! Building a service: which choreography, on which database and which message server, with which settings.

use std::sync::Arc;

#[cfg(feature = "sqlite")]
use sqlx::migrate::Migrator;

#[cfg(feature = "jetstream")]
use crate::bus::jetstream::{JetStreamBus, JetStreamOptions};
use crate::bus::memory::MemoryBus;
use crate::bus::{Bus, BusError};
use crate::declare::choreography::Choreography;
use crate::declare::handler::HandlerKind;
use crate::service::Service;
use crate::settings::Settings;
use crate::store::Store;
use crate::store::memory::MemoryStore;
#[cfg(feature = "sqlite")]
use crate::store::sqlite::{OpenError, SqliteStore};

/// Why a service did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The builder has no store.
    #[error("{service} has no store: call .sqlite(path), .store(store) or, in a test, .memory()")]
    NoStore {
        /// The service's name.
        service: &'static str,
    },
    /// The builder has no bus.
    #[error("{service} has no bus: call .jetstream(url), .bus(bus) or, in a test, .memory()")]
    NoBus {
        /// The service's name.
        service: &'static str,
    },
    /// The bus can't be used: the address of its server is none.
    #[error("{service} can't use its bus")]
    Bus {
        /// The service's name.
        service: &'static str,
        /// What is wrong.
        source: BusError,
    },
    /// The settings of a release build have a fault, which is for tests.
    #[error("{service} has a fault switched on, but release builds have none: remove it from the settings")]
    FaultInRelease {
        /// The service's name.
        service: &'static str,
    },
    /// The database could not be opened. The text names the file and what an operator can do.
    #[cfg(feature = "sqlite")]
    #[error(transparent)]
    Database(#[from] OpenError),
}

/// Where the rows of a service are kept.
enum StoreChoice {
    Opened(Arc<dyn Store>),
    #[cfg(feature = "sqlite")]
    Sqlite(String),
}

/// A service that is about to start; [`Service::builder`] makes one.
///
/// Needs a store and a bus: `.sqlite(path)` and `.jetstream(url)` in production, `.memory()` in tests. Where a
/// method is called twice the last call counts.
///
/// ```no_run
/// # use choreography::{Choreography, Service, Settings};
/// # async fn start(payment: Choreography) -> Result<(), Box<dyn std::error::Error>> {
/// let service = Service::builder(payment)
///     .settings(Settings { instance: 1, ..Settings::default() })
///     .sqlite("data/payment.db")
///     .jetstream("nats://127.0.0.1:4222")
///     .start()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "a service starts with .start()"]
pub struct ServiceBuilder {
    choreography: Arc<Choreography>,
    settings: Settings,
    store: Option<StoreChoice>,
    #[cfg(feature = "sqlite")]
    migrations: Option<&'static Migrator>,
    bus: Option<Arc<dyn Bus>>,
    /// Whether a store or bus that is not set is one in memory.
    memory: bool,
}

// Here, not beside `Service`: a service does not depend on how it was built.
impl Service {
    /// Returns a builder that connects a choreography to its database and its message server. Several instances may share a
    /// choreography in an [`Arc`].
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use choreography::{Choreography, Service};
    ///
    /// let payment = Service::builder(Choreography::new("payment")).memory().start().await?;
    /// assert_eq!(payment.name(), "payment");
    /// # payment.stop().await;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(choreography: impl Into<Arc<Choreography>>) -> ServiceBuilder {
        ServiceBuilder::new(choreography.into())
    }
}

impl ServiceBuilder {
    fn new(choreography: Arc<Choreography>) -> Self {
        Self {
            choreography,
            settings: Settings::default(),
            store: None,
            #[cfg(feature = "sqlite")]
            migrations: None,
            bus: None,
            memory: false,
        }
    }

    /// Replaces the default [`Settings`].
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Keeps rows in a SQLite file: a path, or a URL as `sqlite:///data/payment.db`. A missing file is created. Instances
    /// of one service share a file; two services can't.
    #[cfg(feature = "sqlite")]
    pub fn sqlite(self, url_or_path: impl Into<String>) -> Self {
        Self { store: Some(StoreChoice::Sqlite(url_or_path.into())), ..self }
    }

    /// Runs the service's migrations when the SQLite file is opened: `.migrations(&sqlx::migrate!())`.
    #[cfg(feature = "sqlite")]
    pub fn migrations(self, migrations: &'static Migrator) -> Self {
        Self { migrations: Some(migrations), ..self }
    }

    /// Keeps rows in an opened store.
    pub fn store(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(StoreChoice::Opened(store)), ..self }
    }

    /// Reads from and publishes to NATS JetStream: a URL, or [`JetStreamOptions`]. Options without a service name get
    /// the choreography's. Nothing connects before the start, and the start does not wait for the server.
    #[cfg(feature = "jetstream")]
    pub fn jetstream(self, options: impl Into<JetStreamOptions>) -> Self {
        let mut options = options.into();
        if options.service.is_empty() {
            self.choreography.service.clone_into(&mut options.service);
        }
        self.bus(Arc::new(JetStreamBus::new(options)))
    }

    /// Reads from and publishes to this message server. Services that share a [`MemoryBus`] each get a clone of it.
    pub fn bus(self, bus: Arc<dyn Bus>) -> Self {
        Self { bus: Some(bus), ..self }
    }

    /// Uses a store and a bus in memory, each unless another one is set.
    pub fn memory(self) -> Self {
        Self { memory: true, ..self }
    }

    /// Opens the database, runs the migrations, and starts the service. It connects to the message server, reads,
    /// reacts and publishes from now on; the server need not be reachable yet.
    ///
    /// Must be called in a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] names what is missing, or why the database can't be opened.
    pub async fn start(self) -> Result<Service, StartError> {
        let service = self.choreography.service;
        if self.settings.fault.is_some() && !cfg!(debug_assertions) {
            return Err(StartError::FaultInRelease { service });
        }
        let bus = match self.bus {
            Some(bus) => bus,
            None if self.memory => Arc::new(own_memory_bus(&self.choreography, &self.settings)),
            None => return Err(StartError::NoBus { service }),
        };
        bus.check().map_err(|source| StartError::Bus { service, source })?;
        let store = match self.store {
            Some(StoreChoice::Opened(store)) => store,
            #[cfg(feature = "sqlite")]
            Some(StoreChoice::Sqlite(path)) => {
                let tables: Vec<_> = self.choreography.tables().into_iter().collect();
                let opened = SqliteStore::open_for(Some(service), &path, self.migrations, &tables).await;
                Arc::new(opened?)
            }
            None if self.memory => Arc::new(MemoryStore::new()),
            None => return Err(StartError::NoStore { service }),
        };
        Ok(Service::start(self.choreography, store, bus, self.settings))
    }
}

/// Returns a bus with a consumer for this service alone: it receives its messages from whoever publishes them.
fn own_memory_bus(choreography: &Choreography, settings: &Settings) -> MemoryBus {
    let edges = choreography.edges();
    let received = edges.iter().filter(|edge| !matches!(edge.kind, HandlerKind::Command | HandlerKind::Then));
    let filters: Vec<_> = received.map(|edge| format!("*.{}.*", edge.receives)).collect();
    let filters: Vec<_> = filters.iter().map(String::as_str).collect();
    let bus = MemoryBus::new();
    bus.add_consumer(&format!("{}-{}", choreography.service, settings.instance), &filters);
    bus
}
