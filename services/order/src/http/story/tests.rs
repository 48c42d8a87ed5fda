//! What a story shows, and where it ends.

use super::*;
use choreography::Headers;

use crate::order::tests::{at, id};

fn published(id: Uuid, message: &str) -> Envelope {
    let heading = Heading {
        id,
        source: "payment",
        kind: &format!("shop.{message}.v1"),
        time: at(7),
        subject: "o1",
        correlation: "o1",
        causation: "c1",
        expiry: None,
        trace: &format!("00-{:032x}-{:016x}-01", 1, 1),
    };
    heading.envelope(message, r#"{"order_id": "o1"}"#)
}

#[test]
fn a_message_is_shown_once_and_an_envelope_without_headers_never() {
    let without_headers = Envelope { headers: Headers::default(), ..published(id(3), "payment-created") };
    let stream = [
        published(id(1), "payment-created"),
        published(id(2), "order-confirmed"),
        published(id(1), "payment-created"),
        without_headers,
    ];
    let shown = stream.iter().filter_map(|envelope| StoryMessage::of(Some(4), envelope)).filter(once());
    let shown: Vec<_> = shown.map(|message| (message.publisher, message.message)).collect();
    assert_eq!(
        shown,
        [("payment", "payment-created"), ("payment", "order-confirmed")].map(|(a, b)| (a.into(), b.into()))
    );
}

#[test]
fn a_message_shows_its_publisher_name_time_and_cause() {
    let shown = serde_json::to_value(StoryMessage::of(Some(4), &published(id(1), "payment-created"))).unwrap();
    assert_eq!(
        shown,
        serde_json::json!({
            "sequence": 4, "id": "00000000-0000-0000-0000-000000000001", "publisher": "payment",
            "message": "payment-created", "time": "1970-01-01T00:00:07Z", "causation": "c1",
            "payload": {"order_id": "o1"},
        })
    );
}

#[tokio::test]
async fn a_story_ends_once_the_customer_knows_of_the_end_and_everything_is_compensated() {
    let message = |name: &str, payload: Value| StoryMessage {
        message: name.to_owned(),
        payload,
        ..StoryMessage::of(None, &published(id(1), name)).unwrap()
    };
    let notified = |status: &str| message("customer-notified", serde_json::json!({ "status": status }));
    let other = |name: &str| message(name, Value::Null);
    let cases = [
        (vec![notified("paid"), other("delivery-assigned"), notified("completed"), other("late")], 3),
        (vec![notified("cancelled"), other("cancel-payment"), other("cancel-order"), other("late")], 3),
        (vec![other("cancel-order"), notified("cancelled"), other("late")], 2),
        (vec![notified("paid"), other("cancel-payment")], 2),
    ];
    for (messages, shown) in cases {
        let followed: Vec<_> = until_over(stream::iter(messages), Ending::default()).collect().await;
        assert_eq!(followed.len(), shown, "{followed:?}");
    }
}

#[test]
fn a_story_continues_after_the_last_event_that_the_caller_has() {
    let story = [1, 2, 3].map(|n| StoryMessage::of(None, &published(id(n), "m")).unwrap());
    let with = |last: &str| HeaderMap::from_iter([("last-event-id".parse().unwrap(), last.parse().unwrap())]);
    for (headers, seen) in [
        (HeaderMap::new(), 0),
        (with(&id::<Uuid>(2).to_string()), 2),
        (with(&id::<Uuid>(9).to_string()), 0),
        (with("?"), 0),
    ] {
        assert_eq!(seen_before(&story, &headers), seen);
    }
}
