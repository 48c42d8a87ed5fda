//! One test's view of the shop: it remembers what it ordered, so that it can say in the end whether all is well.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use tokio::sync::{OnceCell, OwnedMutexGuard};

use crate::http::ANSWER_MAX;
use crate::orders::Order;
use crate::premises::{Plan, Premises};
use crate::shelf::Product;

/// How long a test waits for what must happen: the longest is a take-over, or a restart after a kill.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How many of each log's last lines a failure shows.
const LAST_LINES: usize = 25;

/// A shop to order in.
pub struct Shop {
    /// The processes.
    pub premises: Arc<Premises>,
    pub(crate) http: reqwest::Client,
    pub(crate) placed: Mutex<Vec<Order>>,
    pub(crate) products: Mutex<Vec<Product>>,
    /// The ids of messages that the test said itself.
    pub(crate) said_by_hand: Mutex<BTreeSet<String>>,
    admin: OnceCell<async_nats::Client>,
    _alone: Option<OwnedMutexGuard<()>>,
}

impl Shop {
    /// A shop of the test's own.
    pub async fn open() -> Self {
        Self::open_with(Plan::new()).await
    }

    /// A shop of the test's own that differs from the usual.
    ///
    /// # Panics
    /// When it can't be opened.
    pub async fn open_with(plan: Plan) -> Self {
        let premises = Premises::open(plan).await.unwrap_or_else(|error| panic!("the shop does not open: {error:#}"));
        let shop = Self::enter(Arc::new(premises), None);
        shop.note_products().await;
        shop
    }

    /// A shop that other tests use at the same time.
    ///
    /// # Panics
    /// When it can't be opened.
    pub async fn shared(cell: &'static OnceCell<Arc<Premises>>, plan: Plan) -> Self {
        let open = async || Premises::open(plan).await.map(Arc::new);
        let premises = cell.get_or_try_init(open).await;
        Self::enter(premises.unwrap_or_else(|error| panic!("the shop does not open: {error:#}")).clone(), None)
    }

    /// A shop that other tests use too, but none at the same time.
    ///
    /// # Panics
    /// When it can't be opened.
    pub async fn alone(cell: &'static OnceCell<(Arc<Premises>, Arc<tokio::sync::Mutex<()>>)>, plan: Plan) -> Self {
        let open = async || Premises::open(plan).await.map(|premises| (Arc::new(premises), Arc::default()));
        let opened = cell.get_or_try_init(open).await;
        let (premises, turn) = opened.unwrap_or_else(|error| panic!("the shop does not open: {error:#}"));
        let alone = turn.clone().lock_owned().await;
        let shop = Self::enter(premises.clone(), Some(alone));
        shop.note_products().await;
        shop
    }

    /// A shop in which nobody works yet: the server with streams and consumers.
    ///
    /// # Panics
    /// When it can't be opened.
    pub async fn empty() -> Self {
        let premises = Premises::without_services(Plan::new()).await;
        Self::enter(Arc::new(premises.unwrap_or_else(|error| panic!("the shop does not open: {error:#}"))), None)
    }

    fn enter(premises: Arc<Premises>, alone: Option<OwnedMutexGuard<()>>) -> Self {
        let http = reqwest::Client::builder().timeout(ANSWER_MAX).build().expect("a client without certificates");
        let (placed, products, said_by_hand) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { premises, http, placed, products, said_by_hand, admin: OnceCell::new(), _alone: alone }
    }

    /// The server as its admin user sees it.
    ///
    /// # Panics
    /// When it can't be reached.
    pub async fn admin(&self) -> async_nats::Client {
        let connect = async || self.connect("admin", async_nats::ConnectOptions::new()).await;
        self.admin.get_or_init(connect).await.clone()
    }

    /// JetStream as the admin user sees it.
    pub async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(self.admin().await)
    }

    /// Connects as one of the server's users.
    ///
    /// # Panics
    /// When it can't.
    pub async fn connect(&self, user: &str, options: async_nats::ConnectOptions) -> async_nats::Client {
        let options = options.user_and_password(user.to_owned(), format!("{user}-dev"));
        let options = options.custom_inbox_prefix(format!("_INBOX_{user}"));
        options.connect(self.premises.nats.url()).await.unwrap_or_else(|error| panic!("connecting as {user}: {error}"))
    }

    /// Kills a service, or `nats-server`, with SIGKILL, and starts it again.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn kill_and_restart(&self, name: &str) {
        if name == "nats-server" {
            self.premises.nats.process.kill();
            self.premises.nats.again().expect("nats-server starts again");
        } else {
            self.premises.process(name).again().unwrap_or_else(|error| panic!("{name} does not start: {error:#}"));
            self.premises.ready(self.premises.service(name)).await;
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            for process in self.premises.services() {
                let _ = process.process.wake();
            }
            eprintln!("{}", self.premises.world.last_words(LAST_LINES));
        }
    }
}
