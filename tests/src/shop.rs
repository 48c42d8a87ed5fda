//! One test's view of the shop: it remembers the test's orders, so that it can check the invariants at the end.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use tokio::sync::{OnceCell, OwnedMutexGuard};

use crate::http::{IDLE_TIME_MAX, REPLY_WAIT_MAX};
use crate::orders::Order;
use crate::premises::{Plan, Premises};
use crate::shelf::Product;

/// How long a test waits for an event: the slowest are a take-over and a restart after a kill.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How many lines of the end of each log a failure shows.
const LAST_LINES: usize = 25;

/// A shop to order in.
pub struct Shop {
    /// The processes.
    pub premises: Arc<Premises>,
    pub(crate) http: reqwest::Client,
    pub(crate) placed: Mutex<Vec<Order>>,
    pub(crate) products: Mutex<Vec<Product>>,
    /// The ids of messages that the test published itself.
    pub(crate) published_by_hand: Mutex<BTreeSet<String>>,
    admin: OnceCell<async_nats::Client>,
    _alone: Option<OwnedMutexGuard<()>>,
}

impl Shop {
    /// Opens a shop that no other test uses.
    pub async fn open() -> Self {
        Self::open_with(Plan::new()).await
    }

    /// Opens a shop that no other test uses, and that differs from the default.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open_with(plan: Plan) -> Self {
        let premises = Premises::open(plan).await.unwrap_or_else(|error| panic!("the shop does not open: {error:#}"));
        let shop = Self::enter(Arc::new(premises), None);
        shop.note_products().await;
        shop
    }

    /// Returns a shop that other tests use at the same time.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn shared(cell: &'static OnceCell<Arc<Premises>>, plan: Plan) -> Self {
        let open = async || Premises::open(plan).await.map(Arc::new);
        let premises = cell.get_or_try_init(open).await;
        Self::enter(premises.unwrap_or_else(|error| panic!("the shop does not open: {error:#}")).clone(), None)
    }

    /// Returns a shop that other tests use too, but none at the same time.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn alone(cell: &'static OnceCell<(Arc<Premises>, Arc<tokio::sync::Mutex<()>>)>, plan: Plan) -> Self {
        let open = async || Premises::open(plan).await.map(|premises| (Arc::new(premises), Arc::default()));
        let opened = cell.get_or_try_init(open).await;
        let (premises, turn) = opened.unwrap_or_else(|error| panic!("the shop does not open: {error:#}"));
        let alone = turn.clone().lock_owned().await;
        let shop = Self::enter(premises.clone(), Some(alone));
        shop.note_products().await;
        shop
    }

    /// Opens a shop without services: the server with streams and consumers.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn empty() -> Self {
        let premises = Premises::without_services(Plan::new()).await;
        Self::enter(Arc::new(premises.unwrap_or_else(|error| panic!("the shop does not open: {error:#}"))), None)
    }

    fn enter(premises: Arc<Premises>, alone: Option<OwnedMutexGuard<()>>) -> Self {
        let http = reqwest::Client::builder().timeout(REPLY_WAIT_MAX).pool_idle_timeout(IDLE_TIME_MAX);
        let http = http.build().expect("a client without certificates");
        let (placed, products, published_by_hand) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { premises, http, placed, products, published_by_hand, admin: OnceCell::new(), _alone: alone }
    }

    /// Returns a connection as the admin user.
    ///
    /// # Panics
    /// When the server cannot be reached.
    pub async fn admin(&self) -> async_nats::Client {
        let connect = async || self.connect("admin", async_nats::ConnectOptions::new()).await;
        self.admin.get_or_init(connect).await.clone()
    }

    /// Returns JetStream as the admin user.
    pub async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.admin().await)
    }

    /// Connects as one of the server's users.
    ///
    /// # Panics
    /// When the connection fails.
    pub async fn connect(&self, user: &str, options: async_nats::ConnectOptions) -> async_nats::Client {
        let options = options.user_and_password(user.to_owned(), format!("{user}-dev"));
        let options = options.custom_inbox_prefix(format!("_INBOX_{user}"));
        options.connect(self.premises.nats.url()).await.unwrap_or_else(|error| panic!("connecting as {user}: {error}"))
    }

    /// Ends a service, or `nats-server`, with SIGKILL, and starts it again.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn kill_and_restart(&self, name: &str) {
        if name == "nats-server" {
            self.premises.nats.process.kill();
            self.premises.nats.restart().expect("nats-server starts again");
        } else {
            self.premises.process(name).restart().unwrap_or_else(|error| panic!("{name} does not start: {error:#}"));
            self.premises.ready(self.premises.service(name)).await;
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for process in self.premises.services() {
                let _ = process.process.resume();
            }
            eprintln!("{}", self.premises.world.last_lines(LAST_LINES));
        }
    }
}
