//! Deliveries and dealers over HTTP, on a real database.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use choreography::bus::memory::MemoryBus;
use choreography::{Heading, Message, Service, Settings};
use choreography_axum::{Stopping, face};
use contracts::{Address, CreateDelivery, OrderId};
use delivery::{choreography, demo, http};
use serde_json::{Value, json};
use testkit::until;
use tower::ServiceExt as _;
use uuid::Uuid;

/// The service on a database of its own, with a server in memory.
struct Served {
    app: Router,
    service: Service,
    bus: MemoryBus,
    _directory: tempfile::TempDir,
}

impl Served {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (file, choreography) = (directory.path().join("test.db"), choreography());
        let bus = MemoryBus::new();
        bus.add_consumer("delivery-0", &["order.create-delivery.*"]);
        let settings = Settings { namespace: contracts::NAMESPACE.into(), ..Settings::default() };
        let builder = Service::builder(choreography).settings(settings).bus(Arc::new(bus.clone()));
        let builder = builder.sqlite(file.to_str().unwrap()).migrations(&sqlx::migrate!());
        let service = builder.start().await.unwrap();
        let app = face(service.clone(), http::routes(), Stopping::default());
        Self { app, service, bus, _directory: directory }
    }

    /// Asks; the status, and what is answered.
    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        let request = request.header("idempotency-key", format!("{method} {path} {body}").replace(' ', "-"));
        let answer = self.app.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// Says a message as another service.
    fn say<M: Message>(&self, publisher: &str, message: &M) {
        let (id, time, key) = (self.service.new_id::<Uuid>(), self.service.now(), message.key().to_string());
        let heading = Heading {
            id,
            source: publisher,
            kind: &format!("shop.{}.v{}", M::NAME, M::VERSION),
            time,
            subject: &key,
            correlation: &key,
            causation: &id.to_string(),
            expiry: None,
            trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        };
        self.bus.say(&heading.envelope(M::NAME, serde_json::to_vec(message).unwrap())).unwrap();
    }
}

/// How long a test waits for what must happen.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

impl Served {
    /// The delivery of a new order to a zone, once there is one.
    async fn deliver_to(&self, zone: &str) -> Value {
        let order_id: OrderId = self.service.new_id();
        let address = Address { zone: zone.parse().unwrap(), line: "1 Hill Road".into() };
        self.say("order", &CreateDelivery { order_id, address });
        until("a delivery", PATIENCE, async || {
            let listed = self.ask("GET", &format!("/deliveries?order_id={order_id}"), Value::Null).await.1;
            listed["items"].get(0).cloned().ok_or(listed)
        })
        .await
    }

    async fn dealers(&self, zone: &str) -> Value {
        self.ask("GET", &format!("/dealers?zone={zone}"), Value::Null).await.1["items"].take()
    }
}

#[tokio::test]
async fn a_delivery_takes_a_place_until_it_is_complete() {
    let shop = Served::new().await;
    let ann = json!({"name": "Ann", "zone": "hills", "capacity": 1});
    let dealer = |active: u32| json!({"name": "Ann", "zone": "hills", "capacity": 1, "active": active});
    for _ in 0..2 {
        // The second time under the same key.
        assert_eq!(shop.ask("POST", "/dealers", ann.clone()).await, (201, dealer(0)));
    }
    let delivery = shop.deliver_to("hills").await;
    assert_eq!((&delivery["status"], &delivery["dealer"]), (&json!("assigned"), &json!("Ann")));
    assert_eq!(shop.dealers("hills").await, json!([dealer(1)]));
    assert_eq!(shop.deliver_to("hills").await["reason"], "no-dealer");
    let path = format!("/deliveries/{}", delivery["id"].as_str().unwrap());
    assert_eq!(shop.ask("GET", &path, Value::Null).await, (200, delivery));
    for _ in 0..2 {
        let (status, completed) = shop.ask("POST", &format!("{path}/complete"), Value::Null).await;
        assert_eq!((status, &completed["status"]), (200, &json!("completed")));
    }
    assert_eq!(shop.dealers("hills").await, json!([dealer(0)]));
    assert_eq!(shop.ask("GET", "/deliveries", Value::Null).await.1["items"].as_array().unwrap().len(), 2);
    shop.service.stop().await;
}

#[tokio::test]
async fn what_can_not_be_is_refused() {
    let shop = Served::new().await;
    shop.ask("POST", "/dealers", json!({"name": "Ann", "zone": "hills", "capacity": 1})).await;
    let nowhere = shop.deliver_to("nowhere").await["id"].as_str().unwrap().to_owned();
    let nobody = Uuid::from_u128(7);
    let cases = [
        ("POST", format!("/deliveries/{nowhere}/complete"), Value::Null, 409, "urn:problem:delivery-refused"),
        ("POST", format!("/deliveries/{nobody}/complete"), Value::Null, 404, "urn:problem:not-found"),
        ("GET", format!("/deliveries/{nobody}"), Value::Null, 404, "urn:problem:not-found"),
        ("GET", "/deliveries/7".into(), Value::Null, 400, "urn:problem:invalid-path"),
        ("GET", "/deliveries?order_id=7".into(), Value::Null, 400, "urn:problem:invalid-query"),
        (
            "POST",
            "/dealers".into(),
            json!({"name": "Ann", "zone": "hills", "capacity": 2}),
            409,
            "urn:problem:dealer-exists",
        ),
        (
            "POST",
            "/dealers".into(),
            json!({"name": "", "zone": "hills", "capacity": 2}),
            422,
            "urn:problem:invalid-content",
        ),
        (
            "POST",
            "/dealers".into(),
            json!({"name": "Bob", "zone": "hills", "capacity": -1}),
            422,
            "urn:problem:invalid-content",
        ),
    ];
    for (method, path, body, status, kind) in cases {
        let (answered, problem) = shop.ask(method, &path, body.clone()).await;
        assert_eq!((answered, problem["type"].as_str()), (status, Some(kind)), "{method} {path} {body}: {problem}");
    }
    shop.service.stop().await;
}

#[tokio::test]
async fn the_demonstration_resets_nothing() {
    let shop = Served::new().await;
    demo::hire_dealers(&shop.service).await.unwrap();
    shop.deliver_to("north").await;
    demo::hire_dealers(&shop.service).await.unwrap();
    let active = |dealer: &Value| (dealer["name"].as_str().unwrap().to_owned(), dealer["active"].as_u64().unwrap());
    let dealers = shop.ask("GET", "/dealers", Value::Null).await.1;
    let dealers: Vec<_> = dealers["items"].as_array().unwrap().iter().map(active).collect();
    let expected = [("Nora", 1), ("Nils", 0), ("Suri", 0), ("Sam", 0)];
    assert_eq!(dealers, expected.map(|(name, active)| (name.to_owned(), active)));
    assert_eq!(shop.deliver_to("nowhere").await["status"], "refused");
    shop.service.stop().await;
}
