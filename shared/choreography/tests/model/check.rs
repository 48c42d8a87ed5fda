//! What must hold at the end of every story.

use std::collections::{BTreeMap, BTreeSet};

use crate::message::{Id, Kind};
use crate::publishing::KEEP;
use crate::rules::Rules;
use crate::service::Service;
use crate::story::{Step, Trouble};
use crate::world::World;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failure {
    /// A message was processed twice.
    ProcessedTwice,
    /// A message was not processed; nobody reported it, nothing died, no service halted.
    LostSilently,
    /// A number was reported lost that the server did not lose.
    ReportedWithoutLoss,
    /// A number was reported lost that the stream, or its publisher's outbox, has at that moment.
    ReportedThoughKept,
    /// A number was reported lost that the server lost so early that its publisher still had it.
    NotRepaired,
    /// A service halted though the server lost nothing.
    HaltedWithoutLoss,
    /// Messages of one kind and key were processed in another order than they were committed, without a loss.
    OutOfOrder,
    /// A copy was stored beside a living server that lost nothing.
    NeedlessCopy,
    /// Rows are kept for ever.
    KeptForEver,
}

/// Lets a story happen, and returns what went wrong, with the world as it is then.
pub(crate) fn run(steps: &[Step], rules: Rules, troubles: &[Trouble]) -> (BTreeSet<Failure>, World) {
    let mut world = World::new(rules, troubles);
    steps.iter().for_each(|step| world.take(*step));
    world.finish();
    let failures = check(&world, troubles);
    (failures, world)
}

fn check(world: &World, troubles: &[Trouble]) -> BTreeSet<Failure> {
    let mut failures = BTreeSet::new();
    let mut note = |failed: bool, failure| failed.then(|| failures.insert(failure));
    let undisturbed = !world.order_may_change && !troubles.contains(&Trouble::Limits);
    for service in world.services.0.iter().filter(|service| service.exists) {
        let times = times_processed(service);
        note(times.values().any(|times| *times > 1), Failure::ProcessedTwice);
        note(lost_silently(world, service, &times), Failure::LostSilently);
        note(service.database.head.halted && undisturbed, Failure::HaltedWithoutLoss);
        note(undisturbed && is_out_of_order(world, service), Failure::OutOfOrder);
        note(service.database.outbox.len() > usize::from(service.database.head.halted) * 1000, Failure::KeptForEver);
    }
    for (_, name) in &world.shared.reports {
        let stored_for = world.shared.stream.lost.get(name).copied().unwrap_or(KEEP);
        note(stored_for < KEEP && !world.publisher_put_back, Failure::NotRepaired);
        note(!world.shared.stream.lost.contains_key(name), Failure::ReportedWithoutLoss);
    }
    note(world.reported_though_kept, Failure::ReportedThoughKept);
    let moves = [Trouble::Delay, Trouble::Pause, Trouble::Network];
    let still = undisturbed && !troubles.iter().any(|trouble| moves.contains(trouble));
    note(still && world.shared.copies > 0, Failure::NeedlessCopy);
    failures
}

fn times_processed(service: &Service) -> BTreeMap<Id, usize> {
    let mut times = BTreeMap::new();
    service.database.processed.iter().for_each(|processed| *times.entry(processed.id).or_default() += 1);
    times
}

/// Whether a message that its publisher knows of is neither processed nor accounted for.
fn lost_silently(world: &World, service: &Service, times: &BTreeMap<Id, usize>) -> bool {
    let is_missing = |(id, (kind, _, _)): &(&Id, &(Kind, u8, u64))| {
        service.database.subscriptions.contains_key(kind) && !times.contains_key(id)
    };
    !service.database.head.halted
        && world
            .shared
            .ids
            .iter()
            .filter(is_missing)
            .any(|(id, (kind, _, _))| !is_accounted_for(world, service, *id, *kind))
}

fn is_accounted_for(world: &World, service: &Service, id: Id, kind: Kind) -> bool {
    let publisher = &world.services[kind.publisher()].database;
    let no_names = BTreeSet::new();
    let names = world.shared.names.get(&id).unwrap_or(&no_names);
    let reported = names.iter().any(|name| world.shared.reports.contains(&(service.name, *name)));
    let first_stored = world.shared.stream.first_stored.get(&id);
    let is_forgotten = !publisher.committed.contains(&id)
        && (first_stored.is_none() || names.iter().any(|name| world.shared.stream.lost.contains_key(name)));
    let since = service.database.subscriptions[&kind].deployed_at;
    reported || publisher.dead.contains(&id) || is_forgotten || first_stored.is_some_and(|stamp| *stamp <= since)
}

/// Whether messages of one kind and key were processed in another order than they were committed in.
fn is_out_of_order(world: &World, service: &Service) -> bool {
    let mut newest: BTreeMap<(Kind, u8), u64> = BTreeMap::new();
    service.database.processed.iter().any(|processed| {
        let order = world.shared.ids[&processed.id].2;
        newest.insert((processed.kind, processed.key), order).is_some_and(|before| before > order)
    })
}
