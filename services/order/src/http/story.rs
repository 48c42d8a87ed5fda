//! An order's story: every message about it, whoever said it, as far as it went or as it goes on.
//!
//! Each message is told once, by its id: the stream may have it twice.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use choreography::{Envelope, Heading};
use choreography_axum::{Path, Problem, Stopping};
use contracts::OrderId;
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{Semaphore, SemaphorePermit};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Answer, State, find};

/// At most so many messages of one order are told: an order has some fifteen.
const MESSAGES_MAX: usize = 1_000;
/// At most so many listeners at once: each has some subscriptions at the message server, whose number is limited.
const LISTENERS_MAX: usize = 256;
/// How often a silent answer shows that it is still there: before a proxy loses patience.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

static LISTENERS: Semaphore = Semaphore::const_new(LISTENERS_MAX);

/// A message of an order's story.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct Told {
    /// Its place in the stream; null for what was received live.
    sequence: Option<u64>,
    id: Uuid,
    /// The service that said it.
    publisher: String,
    /// What was said.
    #[schema(example = "payment-created")]
    message: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The message that led to it.
    causation: String,
    payload: Value,
}

impl Told {
    /// The message of an envelope; nothing if it is not one of ours.
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

/// Lets each message through once.
fn once() -> impl FnMut(&Told) -> bool {
    let mut told = HashSet::new();
    move |message| told.insert(message.id)
}

/// Everything that was said about the order, in order.
#[utoipa::path(get, path = "/orders/{id}/story", params(("id" = OrderId, Path)), responses(
    (status = 200, body = [Told]),
    (status = 404, description = "There is no such order", body = Problem),
    (status = 503, description = "The message stream does not answer", body = Problem),
))]
pub(super) async fn get_story(service: State, Path(id): Path<OrderId>) -> Result<Answer<Vec<Told>>, Problem> {
    find(&service, id).await?;
    let story = service.story(&id.to_string(), 1, MESSAGES_MAX).await?;
    let story = story.iter().filter_map(|(sequence, envelope)| Told::of(Some(*sequence), envelope));
    Ok(axum::Json(story.filter(once()).collect()))
}

/// The same as it goes on: server-sent events, from the beginning. Each has the message's name and id.
#[utoipa::path(get, path = "/orders/{id}/events", params(("id" = OrderId, Path)), responses(
    (status = 200, body = Told, content_type = "text/event-stream"),
    (status = 404, description = "There is no such order", body = Problem),
    (status = 503, description = "Too many listen, or the message stream does not answer", body = Problem),
))]
pub(super) async fn get_events(
    service: State,
    Path(id): Path<OrderId>,
    stopping: Stopping,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    find(&service, id).await?;
    let place = listen()?;
    // Listening begins before the past is read, so that nothing is missed between the two.
    let live = service.follow(&id.to_string()).await?;
    let past = service.story(&id.to_string(), 1, MESSAGES_MAX).await?;
    let past = stream::iter(past).map(|(sequence, envelope)| (Some(sequence), envelope));
    let mut is_new = once();
    let told = past
        .chain(live.map(|envelope| (None, envelope)))
        .filter_map(async |(sequence, envelope)| Told::of(sequence, &envelope))
        .filter(move |message| std::future::ready(is_new(message)))
        .map(move |message| {
            let _held_as_long_as_the_answer_lasts = &place;
            Ok(message.event())
        });
    Ok(Sse::new(told.take_until(stopping.begun())).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn listen() -> Result<SemaphorePermit<'static>, Problem> {
    LISTENERS.try_acquire().map_err(|_| {
        let detail = format!("{LISTENERS_MAX} listen already: read /story instead, or try again later");
        Problem::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "too-many-listeners", detail).retry_after(30)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use choreography::Headers;

    use crate::order::tests::{at, id};

    fn outgoing(id: Uuid, message: &str) -> Envelope {
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
    fn a_message_is_told_once_and_what_is_not_ours_never() {
        let foreign = Envelope { headers: Headers::default(), ..outgoing(id(3), "payment-created") };
        let stream = [
            outgoing(id(1), "payment-created"),
            outgoing(id(2), "order-confirmed"),
            outgoing(id(1), "payment-created"),
            foreign,
        ];
        let told = stream.iter().filter_map(|envelope| Told::of(Some(4), envelope)).filter(once());
        let told: Vec<_> = told.map(|told| (told.publisher, told.message)).collect();
        assert_eq!(
            told,
            [("payment", "payment-created"), ("payment", "order-confirmed")].map(|(a, b)| (a.into(), b.into()))
        );
    }

    #[test]
    fn a_message_shows_who_said_what_when_and_why() {
        let told = serde_json::to_value(Told::of(Some(4), &outgoing(id(1), "payment-created"))).unwrap();
        assert_eq!(
            told,
            serde_json::json!({
                "sequence": 4, "id": "00000000-0000-0000-0000-000000000001", "publisher": "payment",
                "message": "payment-created", "time": "1970-01-01T00:00:07Z", "causation": "c1",
                "payload": {"order_id": "o1"},
            })
        );
    }
}
