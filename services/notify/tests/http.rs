//! From the news of an order to the mail and the list of notifications, on a real database.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::Duration;

use choreography_axum::testing::TestService;
use contracts::{NAMESPACE, News, OrderId, OrderUpdated};
use notify::mailer::{FROM, Mailer};
use notify::{choreography, http};
use serde_json::{Value, json};
use testkit::until;
use uuid::Uuid;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Starts the service, and returns the directory of its mails with it.
async fn start() -> (TestService, tempfile::TempDir) {
    let mails = tempfile::tempdir().unwrap();
    let mailer = Mailer::to_directory(FROM.parse().unwrap(), mails.path().to_owned());
    (TestService::start_with(choreography(mailer), &sqlx::migrate!(), NAMESPACE, http::routes()).await, mails)
}

/// Publishes that a new order is paid, and returns the list of its mails once none is queued any more.
async fn notify_customer(service: &TestService, email: Option<&str>) -> Value {
    let order_id: OrderId = service.service().new_id();
    let (customer_id, email, status) = (service.service().new_id(), email.map(str::to_owned), News::Paid);
    let (total, reason, lines) = (None, None, Vec::new());
    service.publish("order", &OrderUpdated { order_id, customer_id, email, status, total, reason, lines });
    until("the mail to be sent or skipped", PATIENCE, async || {
        let listed = service.call("GET", &format!("/notifications?order_id={order_id}"), Value::Null).await.1;
        let finished = listed["items"].get(0).is_some_and(|mail| mail["mail"] != "queued");
        let published = service.has_published(&format!("notify.customer-notified.{order_id}"));
        if finished && published { Ok(listed) } else { Err(listed) }
    })
    .await
}

#[tokio::test]
async fn news_become_a_mail_a_notification_and_the_end_of_the_story() {
    let (service, mails) = start().await;
    let cases = [
        (Some("ada@example.com"), "sent", Value::Null),
        (Some("ada"), "skipped", json!("bad-address")),
        (None, "skipped", json!("no-address")),
    ];
    for (email, mail, skipped) in cases {
        let listed = notify_customer(&service, email).await;
        let notification = &listed["items"][0];
        assert_eq!((&notification["mail"], &notification["skipped"]), (&json!(mail), &skipped), "{listed}");
        assert_eq!((&notification["status"], &notification["to"]), (&json!("paid"), &json!(email)), "{listed}");
        let file = format!("{}.eml", notification["message_id"].as_str().unwrap());
        assert_eq!(mails.path().join(file).exists(), mail == "sent", "{listed}");
    }
    service.stop().await;
}

#[tokio::test]
async fn notifications_are_listed_by_order() {
    let (service, _mails) = start().await;
    let nobody = format!("/notifications?order_id={}", Uuid::from_u128(7));
    assert_eq!(service.call("GET", &nobody, Value::Null).await, (200, json!({"items": [], "next": null})));
    for path in ["/notifications", "/notifications?order_id=7"] {
        let (status, problem) = service.call("GET", path, Value::Null).await;
        assert_eq!((status, &problem["type"]), (400, &json!("urn:problem:invalid-query")));
    }
    service.stop().await;
}
