//! An order's story: every message about it, from every publisher, up to now or live.
//!
//! What must hold: each message is shown once, by its id, as the stream may have it twice; and a story that is followed
//! ends with its order.

use std::collections::HashSet;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use choreography::{Envelope, Heading, Message, Service};
use choreography_axum::{Json, Path, Problem, Stopping, find};
use contracts::{CancelOrder, CustomerNotified, OrderId};
use futures::{Stream, StreamExt, stream};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tokio::time::sleep;
use utoipa::ToSchema;
use uuid::Uuid;

use super::followers::Place;
use crate::order::Order;

/// The largest number of a story's messages that are shown: an order has some fifteen.
const MESSAGES_MAX: usize = 1_000;
/// How often a comment is sent while nothing happens, so that no proxy closes the connection.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long a story is followed at most; a browser connects again by itself, and continues where it was.
const FOLLOW_TIME_MAX: Duration = Duration::from_secs(3_600);

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
    #[schema(value_type = Object)]
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

/// A message of an order's story as a server-sent event.
#[derive(ToSchema)]
#[allow(dead_code, reason = "it describes events for `/openapi.json`")]
struct StoryEvent {
    /// The message's id.
    id: Uuid,
    /// The message's name.
    #[schema(example = "payment-created")]
    event: String,
    /// The message, a `StoryMessage` as JSON.
    data: String,
}

/// Returns the story of an order from its beginning on and live, as server-sent events. Each has the message's name and
/// id. They end with the order's last message.
///
/// With `last-event-id`, which browsers send when they connect again, the story continues after that message.
#[utoipa::path(get, path = "/orders/{id}/events", params(("id" = OrderId, Path)), responses(
    (status = 200, body = StoryEvent, content_type = "text/event-stream"),
    (status = 204, description = "The story is over, and `last-event-id` was its last message"),
    (status = 404, description = "There is no such order", body = Problem),
    (status = 429, description = "Too many stories of this customer's orders are followed", body = Problem),
    (status = 503, description = "Too many stories are followed, or the message stream does not respond", body = Problem),
))]
pub(super) async fn get_events(
    State(service): State<Service>,
    Path(id): Path<OrderId>,
    headers: HeaderMap,
    stopping: Stopping,
) -> Result<Response, Problem> {
    let place = Place::take(find(&service, Order::ID, &id, "order").await?.customer_id)?;
    // Following begins before the past is read, so that nothing is missed between the two.
    let live = service.follow(&id.to_string()).await?;
    let past = service.story(&id.to_string(), 1, MESSAGES_MAX).await?;
    let (mut is_new, mut ending) = (once(), Ending::default());
    let past = past.iter().filter_map(|(sequence, envelope)| StoryMessage::of(Some(*sequence), envelope));
    let mut past: Vec<_> = past.filter(&mut is_new).collect();
    let is_over = past.iter().fold(false, |_, message| ending.is_reached_with(message));
    past.drain(..seen_before(&past, &headers));
    if is_over && past.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let live = live.filter_map(async |envelope| StoryMessage::of(None, &envelope));
    let live = live.filter(move |message| std::future::ready(is_new(message)));
    let live = if is_over { stream::empty().left_stream() } else { until_over(live, ending).right_stream() };
    let events = stream::iter(past).chain(live).map(move |message| {
        let _held_as_long_as_the_response_lasts = &place;
        Ok::<_, Infallible>(message.event())
    });
    let end = async {
        tokio::select! { () = stopping.begun() => (), () = sleep(FOLLOW_TIME_MAX) => () }
    };
    Ok(Sse::new(events.take_until(end)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}

/// Returns how many messages the caller has received before, by the id of the last one.
fn seen_before(story: &[StoryMessage], headers: &HeaderMap) -> usize {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<Uuid>().ok());
    let last = last.and_then(|last| story.iter().position(|message| message.id == last));
    last.map_or(0, |index| index + 1)
}

/// Returns messages up to the one with which the story is over.
fn until_over(messages: impl Stream<Item = StoryMessage>, ending: Ending) -> impl Stream<Item = StoryMessage> {
    let begin = Some((Box::pin(messages), ending));
    stream::unfold(begin, async |rest| {
        let (mut messages, mut ending) = rest?;
        let message = messages.next().await?;
        let is_over = ending.is_reached_with(&message);
        Some((message, (!is_over).then_some((messages, ending))))
    })
}

/// What has been seen of a story's end: the customer was notified of it, and if the order was cancelled, `cancel-order`
/// was published, with which every chain of compensations ends.
#[derive(Debug, Clone, Copy, Default)]
struct Ending {
    completion_notified: bool,
    cancellation_notified: bool,
    compensated: bool,
}

impl Ending {
    fn is_reached_with(&mut self, message: &StoryMessage) -> bool {
        if message.message == CancelOrder::NAME {
            self.compensated = true;
        }
        if message.message == CustomerNotified::NAME {
            self.completion_notified |= message.payload["status"] == "completed";
            self.cancellation_notified |= message.payload["status"] == "cancelled";
        }
        self.completion_notified || (self.cancellation_notified && self.compensated)
    }
}

#[cfg(test)]
mod tests;
