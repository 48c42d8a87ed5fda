//! What must hold of every application once it has come to rest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::bus::Stored;
use crate::store::{Range, ReadingState, RowName};
use crate::testing::harness::Harness;
use crate::testing::member::Member;
use crate::wire::series::{MessageNumber, kind_of, outgoing_id};
use crate::{Health, Service};

/// Returns what does not hold, or not yet.
pub(super) fn problem(harness: &Harness) -> Option<String> {
    let members = || harness.members();
    let (events, dead_letters) = harness.stored();
    let last = events.last().map_or(0, |stored| stored.sequence);
    let unwell = members().find_map(|member| member.running().find_map(unhealthy));
    unwell
        .or_else(|| members().find_map(|member| unfinished(harness, member, last)))
        .or_else(|| different_breakers(members().flat_map(Member::running)))
        .or_else(|| numbered_twice(&events))
        .or_else(|| members().find_map(|member| not_received(harness, member, &events)))
        .or_else(|| {
            let names: HashSet<RowName> = events.iter().chain(&dead_letters).filter_map(name_of).collect();
            members().find_map(|member| not_published(harness, member, &names))
        })
}

fn unhealthy(service: &Service) -> Option<String> {
    let Health { database, reading, commands, compensations, effects, lost, publishing, rows, streams, subscribers } =
        service.health();
    let parts = [database, reading, commands, compensations, effects, lost, publishing, rows, streams, subscribers];
    let problem = parts.into_iter().find_map(Result::err)?;
    Some(format!("{} is not healthy: {problem}", service.name()))
}

/// Whether messages of a service are on their way, in its database or to it.
fn unfinished(harness: &Harness, member: &Member, last: u64) -> Option<String> {
    let name = member.name();
    let (head, backlog) = harness.block_on(member.head_and_backlog());
    let unpublished = head.outbox_next - 1 - head.outbox_published;
    let position = head.position.sequence;
    match (unpublished, backlog.waiting, backlog.effects) {
        (0, 0, 0) if position >= last || !member.receives() => None,
        (0, 0, 0) => Some(format!("{name} has read up to {position} of {last}")),
        (unpublished, waiting, effects) => Some(format!(
            "{name} has {unpublished} messages to be published, {waiting} that wait, and {effects} effects to be run"
        )),
    }
}

fn different_breakers<'a>(mut services: impl Iterator<Item = &'a Service>) -> Option<String> {
    let first = services.next()?;
    let expected = first.breaker();
    services.find_map(|service| {
        let breaker = service.breaker();
        let same = (breaker.caught_up, &breaker.circuits) == (expected.caught_up, &expected.circuits);
        (!same).then(|| {
            format!("the breakers differ: {} has {expected:?}, {} has {breaker:?}", first.name(), service.name())
        })
    })
}

fn name_of(stored: &Stored) -> Option<RowName> {
    let MessageNumber { outbox, number } = MessageNumber::of(&stored.envelope)?;
    Some(RowName { outbox, kind: kind_of(&stored.envelope.subject).into(), number })
}

/// Finds a message that its publisher has numbered twice: subscribers would process it twice.
fn numbered_twice(events: &[Stored]) -> Option<String> {
    let mut numbers: HashMap<Uuid, RowName> = HashMap::new();
    events.iter().find_map(|stored| {
        let (id, name) = (outgoing_id(&stored.envelope), name_of(stored)?);
        let known = numbers.entry(id).or_insert_with(|| name.clone());
        let twice = *known != name && !id.is_nil();
        twice.then(|| format!("{} was published twice, as {known:?} and as {name:?}", stored.envelope.subject))
    })
}

/// Finds a message that a service should have received, and did not.
fn not_received(harness: &Harness, member: &Member, events: &[Stored]) -> Option<String> {
    let ReadingState { received, reported, .. } = harness.block_on(member.reading_state());
    let mut ranges: HashMap<(Arc<str>, Uuid, Arc<str>), Vec<Range>> = HashMap::new();
    for known in received.into_iter().chain(reported) {
        let series = (known.series.publisher, known.series.outbox, known.series.kind);
        ranges.entry(series).or_default().push(known.range);
    }
    events.iter().find_map(|stored| {
        let (publisher, ..) = stored.envelope.parts()?;
        let RowName { outbox, kind, number } = name_of(stored).filter(|_| member.subscribes(&stored.envelope))?;
        let known = ranges.get(&(publisher.into(), outbox, kind));
        let is_known =
            known.is_some_and(|known| known.iter().any(|range| (range.first..=range.last).contains(&number)));
        (!is_known).then(|| {
            format!(
                "{} has not received message {} of the stream, {}",
                member.name(),
                stored.sequence,
                stored.envelope.subject
            )
        })
    })
}

/// Finds an outgoing message that the streams don't have.
fn not_published(harness: &Harness, member: &Member, names: &HashSet<RowName>) -> Option<String> {
    let rows = harness.block_on(member.outbox());
    let missing = rows.into_iter().find(|row| !names.contains(&row.name))?;
    Some(format!("{} keeps a message that the streams don't have: {}", member.name(), missing.envelope.subject))
}
