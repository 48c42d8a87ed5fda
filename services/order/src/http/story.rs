//! An order's story: every message about it, from every publisher, up to now or live.
//!
//! Each message is shown once, by its id: the stream may have it twice.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use choreography::{Envelope, Heading, Service};
use choreography_axum::{Json, Path, Problem, Stopping, find};
use contracts::OrderId;
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::order::Order;

/// The largest number of a story's messages that are shown: an order has some fifteen.
const MESSAGES_MAX: usize = 1_000;
/// The largest number of callers who follow stories at once: the message server limits their subscriptions.
const FOLLOWERS_MAX: usize = 256;
/// How often a comment is sent while nothing happens, so that no proxy closes the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

static FOLLOWERS: Semaphore = Semaphore::const_new(FOLLOWERS_MAX);

/// A message of an order's story.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct StoryMessage {
    /// Its sequence in the stream; null for a message that was received live.
    sequence: Option<u64>,
    id: Uuid,
    /// The service that published it.
    publisher: String,
    /// Its name.
    #[schema(example = "payment-created")]
    message: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The id of the message that led to it.
    causation: String,
    payload: Value,
}

impl StoryMessage {
    /// Returns the message of an envelope, or nothing if the envelope is not a message of a choreography.
    fn of(sequence: Option<u64>, envelope: &Envelope) -> Option<Self> {
        let heading = Heading::read(envelope).ok()?;
        let (_, message, _) = envelope.parts()?;
        Some(Self {
            sequence,
            id: heading.id,
            publisher: heading.source.to_owned(),
            message: message.to_owned(),
            time: heading.time,
            causation: heading.causation.to_owned(),
            payload: serde_json::from_slice(&envelope.payload).ok()?,
        })
    }

    fn event(&self) -> Event {
        let event = Event::default().id(self.id.to_string()).event(&self.message);
        event.json_data(self).unwrap_or_else(|error| Event::default().comment(error.to_string()))
    }
}

/// Returns a filter that passes each message once.
fn once() -> impl FnMut(&StoryMessage) -> bool {
    let mut shown = HashSet::new();
    move |message| shown.insert(message.id)
}

/// Returns every message about an order so far, in order.
#[utoipa::path(get, path = "/orders/{id}/story", params(("id" = OrderId, Path)), responses(
    (status = 200, body = [StoryMessage]),
    (status = 404, description = "There is no such order", body = Problem),
    (status = 503, description = "The message stream does not respond", body = Problem),
))]
pub(super) async fn get_story(
    State(service): State<Service>,
    Path(id): Path<OrderId>,
) -> Result<Json<Vec<StoryMessage>>, Problem> {
    find(&service, Order::ID, &id, "order").await?;
    let story = service.story(&id.to_string(), 1, MESSAGES_MAX).await?;
    let story = story.iter().filter_map(|(sequence, envelope)| StoryMessage::of(Some(*sequence), envelope));
    Ok(Json(story.filter(once()).collect()))
}

/// Returns the story of an order from its beginning on and live, as server-sent events. Each has the message's name and
/// id.
#[utoipa::path(get, path = "/orders/{id}/events", params(("id" = OrderId, Path)), responses(
    (status = 200, body = StoryMessage, content_type = "text/event-stream"),
    (status = 404, description = "There is no such order", body = Problem),
    (status = 503, description = "Too many callers follow stories, or the message stream does not respond", body = Problem),
))]
pub(super) async fn get_events(
    State(service): State<Service>,
    Path(id): Path<OrderId>,
    stopping: Stopping,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    find(&service, Order::ID, &id, "order").await?;
    let permit = permit_to_follow()?;
    // Following begins before the past is read, so that nothing is missed between the two.
    let live = service.follow(&id.to_string()).await?;
    let past = service.story(&id.to_string(), 1, MESSAGES_MAX).await?;
    let past = stream::iter(past).map(|(sequence, envelope)| (Some(sequence), envelope));
    let mut is_new = once();
    let events = past
        .chain(live.map(|envelope| (None, envelope)))
        .filter_map(async |(sequence, envelope)| StoryMessage::of(sequence, &envelope))
        .filter(move |message| std::future::ready(is_new(message)))
        .map(move |message| {
            let _held_as_long_as_the_response_lasts = &permit;
            Ok(message.event())
        });
    Ok(Sse::new(events.take_until(stopping.begun())).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn permit_to_follow() -> Result<SemaphorePermit<'static>, Problem> {
    FOLLOWERS.try_acquire().map_err(|_| {
        let detail = format!("{FOLLOWERS_MAX} callers follow stories already: read /story instead, or try again later");
        Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "too-many-followers", detail).retry_after(30)
    })
}

#[cfg(test)]
mod tests {
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
}
