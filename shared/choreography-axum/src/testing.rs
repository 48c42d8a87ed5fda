//! A service with its HTTP face for tests: a database of its own, a message server in memory, and no socket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use choreography::bus::memory::MemoryBus;
use choreography::{Choreography, HandlerKind, Heading, Message, Service, Settings};
use http_body_util::BodyExt;
use serde_json::Value;
use sqlx::migrate::Migrator;
use tempfile::TempDir;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{Stopping, router};

/// The trace that published messages belong to.
const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A running service on a database of its own, with a message server in memory, and its HTTP face.
///
/// The database disappears with it. Its methods panic when what they do fails, as a test should.
///
/// ```no_run
/// # use choreography::Choreography;
/// # use choreography_axum::testing::TestService;
/// # use utoipa_axum::router::OpenApiRouter;
/// # async fn claim(choreography: Choreography, routes: OpenApiRouter<choreography::Service>) {
/// let payment = TestService::start(choreography, routes).await;
/// let (status, body) = payment.call("GET", "/payments", serde_json::Value::Null).await;
/// assert_eq!((status, &body["next"]), (200, &serde_json::Value::Null));
/// payment.stop().await;
/// # }
/// ```
pub struct TestService {
    service: Service,
    bus: MemoryBus,
    router: Router,
    namespace: String,
    _directory: TempDir,
}

impl TestService {
    /// Starts a service that has no migrations of its own, in the default name space of message types.
    ///
    /// # Panics
    /// When its database can't be made.
    pub async fn start(choreography: Choreography, routes: OpenApiRouter<Service>) -> Self {
        Self::open(choreography, None, Settings::default().namespace, routes).await
    }

    /// Starts a service with its migrations, in a name space of message types.
    ///
    /// # Panics
    /// When its database can't be made.
    pub async fn start_with(
        choreography: Choreography,
        migrations: &'static Migrator,
        namespace: &str,
        routes: OpenApiRouter<Service>,
    ) -> Self {
        Self::open(choreography, Some(migrations), namespace.to_owned(), routes).await
    }

    async fn open(
        choreography: Choreography,
        migrations: Option<&'static Migrator>,
        namespace: String,
        routes: OpenApiRouter<Service>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test's database");
        let database = directory.path().join("test.db");
        let bus = MemoryBus::new();
        add_consumer(&bus, &choreography);
        let settings = Settings { namespace: namespace.clone(), ..Settings::default() };
        let builder = Service::builder(choreography).settings(settings).bus(Arc::new(bus.clone()));
        let builder = builder.sqlite(database.to_string_lossy());
        let builder = match migrations {
            Some(migrations) => builder.migrations(migrations),
            None => builder,
        };
        let service = builder.start().await.expect("a service that starts");
        let router = router(service.clone(), routes, Stopping::default());
        Self { service, bus, router, namespace, _directory: directory }
    }

    /// Returns the service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Sends a request with a JSON body, and returns the status and the body of the response, null if it has none.
    ///
    /// The idempotency key is made of method, path and body: the same call again is the same request.
    ///
    /// # Panics
    /// When the response's body is not JSON.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let key = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{method} {path} {body}").as_bytes());
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.header("idempotency-key", key.to_string()).body(Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.expect("a request that can be made")).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("a body of JSON") };
        (parts.status.as_u16(), body)
    }

    /// Publishes a message as another service.
    ///
    /// # Panics
    /// When the message can't be written as JSON, or the server does not take it.
    pub fn publish<M: Message>(&self, publisher: &str, message: &M) {
        let (id, key) = (self.service.new_id::<Uuid>(), message.key().to_string());
        let heading = Heading {
            id,
            source: publisher,
            kind: &format!("{}.{}.v{}", self.namespace, M::NAME, M::VERSION),
            time: self.service.now(),
            subject: &key,
            correlation: &key,
            causation: &id.to_string(),
            expiry: None,
            trace: TRACE,
        };
        let payload = serde_json::to_vec(message).expect("a message that can be written as JSON");
        self.bus.publish(&heading.envelope(M::NAME, payload)).expect("a message that the stream takes");
    }

    /// Whether the stream has a message of this subject: `<publisher>.<message>.<key>`.
    pub fn has_published(&self, subject: &str) -> bool {
        self.bus.published().iter().any(|(_, envelope)| *envelope.subject == *subject)
    }

    /// Stops the service, after its batch.
    pub async fn stop(self) {
        self.service.stop().await;
    }
}

/// Adds the consumer that the service reads with: every message that it has a reaction or an effect for, whoever
/// publishes it.
fn add_consumer(bus: &MemoryBus, choreography: &Choreography) {
    let edges = choreography.edges();
    let received = edges.iter().filter(|edge| !matches!(edge.kind, HandlerKind::Command | HandlerKind::Then));
    let filters: Vec<_> = received.map(|edge| format!("*.{}.*", edge.receives)).collect();
    let filters: Vec<_> = filters.iter().map(String::as_str).collect();
    bus.add_consumer(&format!("{}-0", choreography.service()), &filters);
}
