//! From the news of an order to the mail and the list of notifications.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use choreography_axum::testing::TestFace;
use contracts::{Contact, NAMESPACE, News, OrderId, OrderUpdated};
use lettre::transport::stub::AsyncStubTransport;
use notify::contacts::Contacts;
use notify::mailer::{FROM, Mailer};
use notify::notifications::{MailStatus, Notifications};
use notify::{choreography, http};
use serde_json::{Value, json};
use uuid::Uuid;

/// A customer.
const ADA: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0001);

/// The service in memory, its routes, and the mails that it has sent.
struct Notify {
    face: TestFace,
    mails: AsyncStubTransport,
}

impl Notify {
    fn call(&self, path: &str) -> (u16, Value) {
        self.face.call("GET", path, Value::Null)
    }

    /// Publishes that a new order of [`ADA`] is paid.
    fn publish_paid(&self, email: Option<&str>) -> OrderId {
        let order_id: OrderId = self.face.harness.service("notify").new_id();
        let (customer_id, email, status) = (ADA.into(), email.map(str::to_owned), News::Paid);
        let (total, reason, lines) = (None, None, Vec::new());
        let news = OrderUpdated { order_id, customer_id, email, status, total, reason, lines };
        self.face.harness.publish("order", &news);
        order_id
    }

    /// Publishes that a new order is paid, and returns the list of its mails once none is queued any more.
    fn notify_customer(&self, email: Option<&str>) -> Value {
        let order_id = self.publish_paid(email);
        let is_final = |notified: &Notifications| notified.mails.iter().all(|mail| mail.mail != MailStatus::Queued);
        self.face.harness.until::<Notifications>(&order_id, is_final);
        self.call(&format!("/notifications?order_id={order_id}")).1
    }
}

fn start() -> Notify {
    start_with(Contacts::known([]))
}

fn start_with(contacts: Contacts) -> Notify {
    let mails = AsyncStubTransport::new_ok();
    let mailer = Mailer::to_memory(FROM.parse().unwrap(), mails.clone());
    Notify { face: TestFace::start(choreography(mailer, contacts), NAMESPACE, http::routes()), mails }
}

#[test]
fn news_become_a_mail_a_notification_and_the_end_of_the_story() {
    let cases = [
        (Some("ada@example.com"), "sent", Value::Null),
        (Some("ada"), "skipped", json!("bad-address")),
        (None, "skipped", json!("no-address")),
    ];
    for (email, mail, skipped) in cases {
        let service = start();
        let listed = service.notify_customer(email);
        let notification = &listed["items"][0];
        assert_eq!((&notification["mail"], &notification["skipped"]), (&json!(mail), &skipped), "{listed}");
        assert_eq!((&notification["status"], &notification["to"]), (&json!("paid"), &json!(email)), "{listed}");
        let message_id = format!("Message-ID: <{}@", notification["message_id"].as_str().unwrap());
        let mails = service.face.harness.block_on(service.mails.messages());
        let sent = mails.iter().filter(|(_, text)| text.contains(&message_id)).count();
        assert_eq!((sent, mails.len()), (usize::from(mail == "sent"), sent), "{mails:?}");
        service.face.harness.advance(std::time::Duration::from_secs(1));
        let last = service.face.harness.published().last().unwrap().to_string();
        assert_eq!(last, "notify.customer-notified");
    }
}

#[test]
fn notifications_are_listed_by_order() {
    let service = start();
    let nobody = format!("/notifications?order_id={}", Uuid::from_u128(7));
    assert_eq!(service.call(&nobody), (200, json!({"items": [], "next": null})));
    for path in ["/notifications", "/notifications?order_id=7"] {
        let (status, problem) = service.call(path);
        assert_eq!((status, &problem["type"]), (400, &json!("urn:problem:invalid-query")));
    }
}

#[test]
fn an_order_without_an_address_is_mailed_to_the_profiles_and_the_mail_greets_by_name() {
    let contact = Contact { name: "Ada Lovelace".into(), email: Some("ada@home.example".into()) };
    let service = start_with(Contacts::known([(ADA.into(), contact)]));
    for (email, to) in [(None, "ada@home.example"), (Some("ada@work.example"), "ada@work.example")] {
        let listed = service.notify_customer(email);
        let mail = &listed["items"][0];
        assert_eq!((&mail["mail"], &mail["to"]), (&json!("sent"), &json!(to)), "{listed}");
    }
    let mails = service.face.harness.block_on(service.mails.messages());
    assert_eq!(mails.iter().filter(|(_, text)| text.contains("Hello Ada Lovelace,")).count(), 2, "{mails:?}");
}

#[test]
fn while_customers_can_not_be_looked_up_only_mails_to_an_unknown_address_wait() {
    let service = start_with(Contacts::unreachable());
    let listed = service.notify_customer(Some("ada@example.com"));
    assert_eq!(listed["items"][0]["mail"], "sent", "{listed}");
    let order_id = service.publish_paid(None);
    service.face.harness.until::<Notifications>(&order_id, |_| true);
    service.face.harness.advance(std::time::Duration::from_secs(60));
    let listed = service.call(&format!("/notifications?order_id={order_id}")).1;
    assert_eq!((&listed["items"][0]["mail"], &listed["items"][0]["to"]), (&json!("queued"), &Value::Null), "{listed}");
}
