//! A real nats-server on a free port, with a store directory of its own and the users of a small system.

use choreography::bus::jetstream::{JetStreamBus, JetStreamOptions};
use choreography::provision::{ConsumerPlan, Plan, StreamPlan, provision};
use serde_json::Value;
use testkit::{NatsServer, Proxy, World};

use crate::{soon, until};

pub(crate) struct Server {
    nats: NatsServer,
    _world: World,
}

const CONFIGURATION: &str = r#"
    host: 127.0.0.1
    port: $NATS_PORT
    jetstream { store_dir: $NATS_STORE_DIR, max_file_store: 1GB, max_memory_store: 64MB, sync_interval: "1s" }
    accounts { SHOP { jetstream: enabled, users: [
      { user: admin, password: secret },
      { user: payment, password: secret, permissions {
        publish: { allow: [ "payment.*.*", "dead.payment.>", "$JS.API.STREAM.INFO.EVENTS",
                             "$KV.PROGRESS.payment", "$JS.API.STREAM.MSG.GET.EVENTS",
                             "$JS.API.STREAM.MSG.GET.KV_PROGRESS",
                             "$JS.API.CONSUMER.INFO.EVENTS.payment-0", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.payment-0",
                             "$JS.API.CONSUMER.RESET.EVENTS.payment-0" ] }
        subscribe: { allow: [ "_INBOX_payment.>" ] } } } ] } }
"#;

impl Server {
    /// Starts a server without streams.
    pub(crate) async fn empty() -> Self {
        let world = World::new("bus").unwrap();
        let server = Self { nats: NatsServer::configured(&world, CONFIGURATION).unwrap(), _world: world };
        server.ready().await;
        server
    }

    /// Starts a server with the streams of a small system.
    pub(crate) async fn provisioned() -> Self {
        let server = Self::empty().await;
        provision(&server.admin().await, &plan()).await.unwrap();
        server
    }

    async fn ready(&self) {
        until("nats-server is ready", || async {
            match self.try_admin().await {
                Ok(admin) => admin.request("$JS.API.INFO", "".into()).await.is_ok(),
                Err(_) => false,
            }
        })
        .await;
    }

    /// Kills the server with SIGKILL.
    pub(crate) fn kill(&self) {
        self.nats.process.kill();
    }

    pub(crate) async fn start_again(&self) {
        self.nats.restart().unwrap();
        self.ready().await;
    }

    /// Returns a proxy in front of the server.
    pub(crate) fn proxy(&self) -> Proxy {
        Proxy::to(self.nats.port()).unwrap()
    }

    pub(crate) fn port(&self) -> u16 {
        self.nats.port()
    }

    pub(crate) fn nats(&self) -> &NatsServer {
        &self.nats
    }

    pub(crate) fn url(&self) -> String {
        self.nats.url()
    }

    async fn try_admin(&self) -> Result<async_nats::Client, async_nats::ConnectError> {
        let options = async_nats::ConnectOptions::with_user_and_password("admin".to_owned(), "secret".to_owned());
        options.connect(self.url()).await
    }

    pub(crate) async fn admin(&self) -> async_nats::Client {
        soon("connecting", self.try_admin()).await.unwrap()
    }

    pub(crate) fn options(&self, user: &str) -> JetStreamOptions {
        JetStreamOptions {
            user: user.to_owned(),
            password: "secret".to_owned(),
            publishers: vec!["order".to_owned(), "payment".to_owned()],
            ..JetStreamOptions::new(self.url(), user)
        }
    }

    pub(crate) fn bus(&self, user: &str) -> JetStreamBus {
        JetStreamBus::new(self.options(user))
    }

    pub(crate) async fn add_consumer(&self, name: &str, filters: &[&str]) {
        let plan = Plan { consumers: vec![consumer(name, filters)], ..Plan::default() };
        provision(&self.admin().await, &plan).await.unwrap();
    }
}

pub(crate) fn plan() -> Plan {
    let subjects = ["order.*.*", "payment.*.*"].map(str::to_owned).into();
    let bytes = 64 * 1024 * 1024;
    let streams = vec![StreamPlan::events(subjects), StreamPlan::dead_letters(), StreamPlan::progress()];
    Plan { streams, ..Plan::default() }.events_bytes_max(bytes).dead_letters_bytes_max(bytes)
}

pub(crate) fn consumer(name: &str, filters: &[&str]) -> ConsumerPlan {
    let filter_subjects = filters.iter().map(|filter| (*filter).to_owned()).collect();
    let (service, slot) = name.rsplit_once('-').unwrap();
    ConsumerPlan { service: service.to_owned(), slot: slot.parse().unwrap(), filter_subjects }
}

/// Sends a request to the JetStream API. Returns its reply, which may be an error.
pub(crate) async fn request(client: &async_nats::Client, subject: &str, body: Value) -> Value {
    let payload = if body.is_null() { String::new() } else { body.to_string() };
    let reply = client.request(subject.to_owned(), payload.into()).await.unwrap();
    serde_json::from_slice(&reply.payload).unwrap()
}
