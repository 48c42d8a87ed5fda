//! What customers are told, from the news to the mail and the list, on a real database.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use choreography::bus::memory::MemoryBus;
use choreography::{Heading, Message, Service, Settings};
use choreography_axum::{Stopping, face};
use contracts::{News, OrderId, OrderUpdated};
use notify::mailer::{FROM, Mailer};
use notify::{choreography, http};
use serde_json::{Value, json};
use testkit::until;
use tower::ServiceExt as _;
use uuid::Uuid;

/// The service on a database of its own, with a server in memory.
struct Served {
    app: Router,
    service: Service,
    bus: MemoryBus,
    directory: tempfile::TempDir,
}

impl Served {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (file, choreography) = (
            directory.path().join("test.db"),
            choreography(Mailer::to_directory(FROM.parse().unwrap(), directory.path().join("mail"))),
        );
        let bus = MemoryBus::new();
        bus.add_consumer("notify-0", &["order.order-updated.*"]);
        let settings = Settings { namespace: contracts::NAMESPACE.into(), ..Settings::default() };
        let builder = Service::builder(choreography).settings(settings).bus(Arc::new(bus.clone()));
        let builder = builder.sqlite(file.to_str().unwrap()).migrations(&sqlx::migrate!());
        let service = builder.start().await.unwrap();
        let app = face(service.clone(), http::routes(), Stopping::default());
        Self { app, service, bus, directory }
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
    /// Tells the customer of a new order that it is paid; the list, once nothing is queued any more.
    async fn tell(&self, email: Option<&str>) -> Value {
        let order_id: OrderId = self.service.new_id();
        let (customer_id, email, status) = (self.service.new_id(), email.map(str::to_owned), News::Paid);
        let (total, reason, lines) = (None, None, Vec::new());
        self.say("order", &OrderUpdated { order_id, customer_id, email, status, total, reason, lines });
        until("a mail to have left", PATIENCE, async || {
            let told = self.ask("GET", &format!("/notifications?order_id={order_id}"), Value::Null).await.1;
            let left = told["items"].get(0).is_some_and(|mail| mail["mail"] != "queued");
            if left && self.has_said(&format!("notify.customer-notified.{order_id}")) { Ok(told) } else { Err(told) }
        })
        .await
    }

    fn has_said(&self, subject: &str) -> bool {
        self.bus.outgoing().iter().any(|(_, envelope)| *envelope.subject == *subject)
    }
}

#[tokio::test]
async fn news_become_a_mail_a_notification_and_the_end_of_the_story() {
    let shop = Served::new().await;
    let cases = [
        (Some("ada@example.com"), "sent", Value::Null),
        (Some("ada"), "skipped", json!("bad-address")),
        (None, "skipped", json!("no-address")),
    ];
    for (email, mail, skipped) in cases {
        let told = shop.tell(email).await;
        let notification = &told["items"][0];
        assert_eq!((&notification["mail"], &notification["skipped"]), (&json!(mail), &skipped), "{told}");
        assert_eq!((&notification["status"], &notification["to"]), (&json!("paid"), &json!(email)), "{told}");
        let file = format!("mail/{}.eml", notification["message_id"].as_str().unwrap());
        assert_eq!(shop.directory.path().join(file).exists(), mail == "sent", "{told}");
    }
    shop.service.stop().await;
}

#[tokio::test]
async fn notifications_are_asked_for_by_order() {
    let shop = Served::new().await;
    let nobody = format!("/notifications?order_id={}", Uuid::from_u128(7));
    assert_eq!(shop.ask("GET", &nobody, Value::Null).await, (200, json!({"items": [], "next": null})));
    for path in ["/notifications", "/notifications?order_id=7"] {
        let (status, problem) = shop.ask("GET", path, Value::Null).await;
        assert_eq!((status, &problem["type"]), (400, &json!("urn:problem:invalid-query")));
    }
    shop.service.stop().await;
}
