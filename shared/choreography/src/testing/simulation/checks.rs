//! What must hold of every application once it has come to rest.

use std::collections::BTreeMap;

use hashbrown::{HashMap, HashSet};
use uuid::Uuid;

use super::losses::Losses;
use crate::bus::Stored;
use crate::declare::guarded::PANICKED;
use crate::store::{Range, ReadingState};
use crate::testing::harness::Harness;
use crate::testing::member::Member;
use crate::wire::dead_letter::{DETAIL, REASON, Reason};
use crate::wire::series::{MessageNumber, kind_of, outgoing_id};
use crate::{Health, Service};

/// Returns what does not hold, or not yet. What is lost for good is no reason to wait.
pub(super) fn problem(harness: &Harness, losses: &Losses) -> Option<String> {
    let members = || harness.members();
    let unwell = members().find_map(|member| member.running().find_map(unhealthy));
    let restless = unwell
        .or_else(|| members().find_map(|member| unfinished(harness, member, losses)))
        .or_else(|| different_breakers(members().flat_map(Member::running)));
    if restless.is_some() {
        return restless;
    }
    // What follows looks at every message: only when there is nothing to wait for any more.
    let (events, dead_letters) = harness.stored();
    let events: Vec<_> = events.iter().filter_map(Numbered::of).collect();
    let panicked = dead_letters.iter().find_map(panicked);
    let dead_letters = dead_letters.iter().filter_map(Numbered::of);
    panicked
        .or_else(|| numbered_twice(&events))
        .or_else(|| {
            let series = series(&events);
            members().find_map(|member| not_received(harness, member, &series))
        })
        .or_else(|| {
            let names: HashSet<Name<'_>> =
                events.iter().map(|message| message.name).chain(dead_letters.map(|dead| dead.name)).collect();
            members().find_map(|member| not_published(harness, member, &names))
        })
}

/// A stored message that has a number.
struct Numbered<'a> {
    stored: &'a Stored,
    name: Name<'a>,
}

/// What names a message of a publisher: its outbox, its kind, and its number.
type Name<'a> = (Uuid, &'a str, u64);

impl<'a> Numbered<'a> {
    fn of(stored: &'a Stored) -> Option<Self> {
        let MessageNumber { outbox, number } = MessageNumber::of(&stored.envelope)?;
        Some(Self { stored, name: (outbox, kind_of(&stored.envelope.subject), number) })
    }
}

/// Whether a dead letter is of a function that panicked: nothing that happens to an application excuses that.
fn panicked(dead: &Stored) -> Option<String> {
    let (reason, detail) = (dead.envelope.header(REASON)?, dead.envelope.header(DETAIL)?);
    let is_panic = Reason::read(reason) == Some(Reason::Poison) && detail.starts_with(PANICKED);
    is_panic.then(|| format!("a message died, {}: {detail}", dead.envelope.subject))
}

fn unhealthy(service: &Service) -> Option<String> {
    let Health { database, reading, commands, compensations, effects, lost, publishing, rows, streams, subscribers } =
        service.health();
    let parts = [database, reading, commands, compensations, effects, lost, publishing, rows, streams, subscribers];
    let problem = parts.into_iter().find_map(Result::err)?;
    Some(format!("{} is not healthy: {problem}", service.name()))
}

/// Whether messages of a service are on their way, in its database or to it.
fn unfinished(harness: &Harness, member: &Member, losses: &Losses) -> Option<String> {
    let (name, last) = (member.name(), harness.last());
    let (head, backlog) = harness.block_on(member.head_and_backlog());
    let waiting = member.store.waiting().iter().filter(|envelope| !losses.concern(envelope)).count();
    let unpublished = head.outbox_next - 1 - head.outbox_published;
    let position = head.position.sequence;
    match (unpublished, waiting, backlog.effects) {
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

/// Finds a message that its publisher has numbered twice: subscribers would process it twice.
fn numbered_twice(events: &[Numbered<'_>]) -> Option<String> {
    let mut numbers: HashMap<Uuid, Name<'_>> = HashMap::with_capacity(events.len());
    events.iter().find_map(|Numbered { stored, name }| {
        let id = outgoing_id(&stored.envelope);
        let known = *numbers.entry(id).or_insert(*name);
        let twice = known != *name && !id.is_nil();
        twice.then(|| format!("{} was published twice, as {known:?} and as {name:?}", stored.envelope.subject))
    })
}

/// The messages of each publisher, outbox and kind.
type Series<'a> = BTreeMap<(&'a str, Uuid, &'a str), Vec<(u64, &'a Stored)>>;

/// Returns the messages of each series, with their numbers.
fn series<'a>(events: &[Numbered<'a>]) -> Series<'a> {
    let mut series = Series::new();
    for Numbered { stored, name: (outbox, kind, number) } in events {
        if let Some((publisher, ..)) = stored.envelope.parts() {
            series.entry((publisher, *outbox, *kind)).or_default().push((*number, *stored));
        }
    }
    series
}

/// Finds a message that a service should have received, and did not.
fn not_received(harness: &Harness, member: &Member, series: &Series<'_>) -> Option<String> {
    let ReadingState { received, reported, .. } = harness.block_on(member.reading_state());
    let mut ranges: HashMap<(&str, Uuid, &str), Vec<Range>> = HashMap::new();
    for known in received.iter().chain(&reported) {
        let name = (&*known.series.publisher, known.series.outbox, &*known.series.kind);
        ranges.entry(name).or_default().push(known.range);
    }
    for ((publisher, outbox, kind), messages) in series {
        let is_for_it = messages.first().is_some_and(|(_, first)| member.subscribes(&first.envelope));
        let known = ranges.get(&(*publisher, *outbox, *kind)).map_or(&[][..], Vec::as_slice);
        let is_known = |number| known.iter().any(|range| (range.first..=range.last).contains(&number));
        if let Some((_, stored)) = messages.iter().find(|(number, _)| is_for_it && !is_known(*number)) {
            let (name, sequence, subject) = (member.name(), stored.sequence, &stored.envelope.subject);
            return Some(format!("{name} has not received message {sequence} of the stream, {subject}"));
        }
    }
    None
}

/// Finds an outgoing message that the streams don't have.
fn not_published(harness: &Harness, member: &Member, names: &HashSet<Name<'_>>) -> Option<String> {
    let rows = harness.block_on(member.outbox());
    let missing = rows.iter().find(|row| !names.contains(&(row.name.outbox, &*row.name.kind, row.name.number)))?;
    Some(format!("{} keeps a message that the streams don't have: {}", member.name(), missing.envelope.subject))
}
