//! What the leader does as a publisher: repair, send, forget, note.

use std::collections::BTreeSet;

use crate::checkpoints::{Checkpoint, StreamView, is_there};
use crate::message::{Message, Series, Tick};
use crate::outbox::{Repair, RowName, compare};
use crate::service::{Connection, Note, Service, Shared};

/// For how many connected ticks a published row is kept.
pub(crate) const KEEP: Tick = 10;

/// What becomes of the next message in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is stored and acknowledged.
    Acknowledged,
    /// It is stored, and the acknowledgement is lost.
    NotAcknowledged,
    /// It is lost.
    Lost,
}

impl Service {
    /// Compares the kept rows with the stream, once on each connection. What the stream lacks is sent again.
    pub(crate) fn repair(&mut self, instance: usize, shared: &mut Shared) {
        if !self.name.publishes() || self.connection(instance).repaired {
            return;
        }
        let floor = self.floor(shared);
        let listed = shared.stream.published_by(self.name, floor.sequence);
        let repair = compare(&self.database.outbox, &listed, &self.database.given);
        if shared.rules.adopt_unknown_messages {
            for (message, _) in &repair.unknown {
                self.database.adopt(*message);
                self.database.given_at.insert(message.series, shared.stream.now);
            }
        }
        if shared.rules.placeholder_for_repeated_row {
            let repeated = |name: &RowName| repair.repeated.contains(name);
            self.database
                .outbox
                .iter_mut()
                .filter(|row| repeated(&row.name()))
                .for_each(|row| row.message.placeholder = true);
        }
        let believed = self.believed_stored(&repair, shared);
        let adopted = repair.unknown.iter().map(|(message, place)| ((message.series, message.number), *place));
        let stored = repair.stored.iter().map(|(name, place)| (*name, *place)).chain(adopted).chain(believed);
        let acknowledged = stored.map(|(name, place)| (name, (place, 0))).collect();
        let connection = self.connection(instance);
        (connection.acknowledged, connection.repaired) = (acknowledged, true);
    }

    /// Returns the newest place that the stream still has below which no kept row is stored.
    fn floor(&mut self, shared: &Shared) -> Checkpoint {
        let floors = &mut self.database.floors;
        let found = match shared.rules.compare_floor {
            true => floors.newest_there(&shared.stream),
            false => floors.newest(),
        };
        let floor = found.unwrap_or_default();
        floors.forget_after(floor);
        floor
    }

    /// Returns rows that count as stored without a look, where the rules allow that.
    fn believed_stored(&self, repair: &Repair, shared: &Shared) -> Vec<(RowName, Checkpoint)> {
        let rows = || self.database.outbox.iter().filter_map(|row| Some((row.name(), row.noted?)));
        let newest = rows().map(|(_, place)| place).filter(|place| is_there(*place, &shared.stream)).max();
        let looks_at_all = shared.rules.look_up_every_kept_row
            || shared.rules.look_up_all_when_stream_lacks
                && (shared.stream.deleted() > 0 || shared.stream.first_sequence() > 1);
        let believes = |place: Checkpoint| match shared.rules.repair {
            true => !looks_at_all && newest.is_some_and(|newest| place <= newest),
            false => true,
        };
        rows().filter(|(name, place)| !repair.stored.contains_key(name) && believes(*place)).collect()
    }

    /// Sends up to `limit` rows that are not acknowledged, in order; held kinds stay.
    pub(crate) fn send(&mut self, instance: usize, limit: usize, shared: &mut Shared) {
        if !self.name.publishes() || !self.connect(instance, shared) {
            return;
        }
        self.repair(instance, shared);
        self.set_refused_rows_aside(shared);
        let connection = self.instances[instance].connection.as_mut().expect("the instance is connected");
        let sent: BTreeSet<RowName> =
            connection.in_flight.iter().map(|message| (message.series, message.number)).collect();
        let is_next = |message: &Message| {
            let name = (message.series, message.number);
            !connection.acknowledged.contains_key(&name)
                && !sent.contains(&name)
                && !self.held.contains(&message.series.kind)
        };
        let next = self.database.outbox.iter().map(|row| row.message).filter(is_next).take(limit);
        let next: Vec<Message> = next.collect();
        connection.in_flight.extend(next);
    }

    /// Notes rows that the server refuses for good as dead, and keeps a placeholder of each.
    fn set_refused_rows_aside(&mut self, shared: &Shared) {
        let keeps = shared.rules.placeholder_for_refused_row;
        let database = &mut self.database;
        for row in database.outbox.iter_mut().filter(|row| row.refused && !row.message.placeholder) {
            database.dead.insert(row.message.id);
            row.message.placeholder = true;
        }
        database.outbox.retain(|row| keeps || !row.refused);
    }

    /// Lets the next message in flight arrive, or not.
    pub(crate) fn arrive(&mut self, instance: usize, fate: Fate, shared: &mut Shared) {
        let start = shared.stream.starts;
        let Some(connection) = &mut self.instances[instance].connection else { return };
        if connection.start != start || !self.network {
            return;
        }
        let Some(message) = connection.in_flight.pop_front() else { return };
        if fate != Fate::Lost {
            let place = store(message, shared);
            if fate == Fate::Acknowledged {
                connection.acknowledged.insert((message.series, message.number), (place, 0));
            }
        } else if shared.rules.connection_lives_once {
            connection.in_flight.clear();
        }
        if fate != Fate::Acknowledged && shared.rules.connection_lives_once {
            self.disconnect(instance);
        }
    }

    /// Lets a message arrive that was sent over a connection that has ended.
    pub(crate) fn arrive_late(&mut self, shared: &mut Shared) {
        let start = shared.stream.starts;
        self.delayed.retain(|(sent_at, messages)| *sent_at == start && !messages.is_empty());
        if let Some(message) = self.delayed.front_mut().and_then(|(_, messages)| messages.pop_front()) {
            store(message, shared);
        }
    }

    /// Publishes everything that waits.
    pub(crate) fn relay(&mut self, instance: usize, shared: &mut Shared) {
        self.send(instance, usize::MAX, shared);
        while self.instances[instance].connection.as_ref().is_some_and(|connection| !connection.in_flight.is_empty()) {
            self.arrive(instance, Fate::Acknowledged, shared);
        }
    }

    /// Forgets rows that were stored long enough, and moves the floor on.
    pub(crate) fn forget(&mut self, instance: usize, shared: &Shared) {
        let (keep, position) =
            (if shared.rules.keep_published_rows { KEEP } else { 0 }, self.database.head.position.sequence);
        let waits_for_reading = shared.rules.keep_rows_until_read && self.name.subscribes();
        let Connection { acknowledged, .. } = self.connection(instance);
        acknowledged.values_mut().for_each(|(_, age)| *age += 1);
        let is_old =
            |(place, age): &(Checkpoint, Tick)| *age > keep && (!waits_for_reading || place.sequence <= position);
        let forgotten: BTreeSet<RowName> =
            acknowledged.iter().filter(|(_, row)| is_old(row)).map(|(name, _)| *name).collect();
        let kept_above = acknowledged.values().filter(|row| !is_old(row)).map(|(place, _)| *place).min();
        let below = |place: &Checkpoint| kept_above.is_none_or(|above| *place < above);
        let floor = acknowledged.values().filter(|row| is_old(row)).map(|(place, _)| *place).filter(below).max();
        acknowledged.retain(|name, _| !forgotten.contains(name));
        for row in &mut self.database.outbox {
            row.noted =
                self.instances[instance].connection.as_ref().and_then(|c| Some(c.acknowledged.get(&row.name())?.0));
        }
        self.database.outbox.retain(|row| !forgotten.contains(&row.name()));
        self.database.given_at.extend(forgotten.iter().map(|(series, _)| (*series, shared.stream.now)));
        if let Some(floor) = floor.filter(|floor| self.database.floors.newest().is_none_or(|newest| newest < *floor)) {
            self.database.floors.note(floor);
        }
    }

    /// Forgets series that no process continues, no row has, and that the stream's limits have dropped.
    pub(crate) fn forget_given(&mut self, shared: &Shared) {
        let Some(age_max) = shared.stream.age_max.filter(|_| shared.rules.forget_old_series) else { return };
        let kept: BTreeSet<_> = self.database.outbox.iter().map(|row| row.message.series).collect();
        let own = [0, 1].map(|instance| self.instances[instance].outbox);
        let given_at = &self.database.given_at;
        let is_old = |series: &Series| given_at.get(series).is_none_or(|at| at + 2 * age_max < shared.stream.now);
        let keeps = |series: &Series| own.contains(&series.outbox) || kept.contains(series) || !is_old(series);
        self.database.given.retain(|series, _| keeps(series));
    }

    /// Notes for the subscribers up to which number of each series everything is published.
    pub(crate) fn note_published_numbers(&mut self, instance: usize, shared: &mut Shared) {
        let acknowledged = &self.connection(instance).acknowledged.keys().copied().collect::<BTreeSet<_>>();
        let mut published = self.database.given.clone();
        for row in self.database.outbox.iter().filter(|row| !acknowledged.contains(&row.name())) {
            let last = published.entry(row.message.series).or_default();
            *last = (*last).min(row.message.number - 1);
        }
        let note = Note { at: shared.stream.now, start: shared.stream.starts, up_to: shared.stream.last(), published };
        shared.notes.insert(self.name, note);
    }
}

fn store(message: Message, shared: &mut Shared) -> Checkpoint {
    shared.copies += u64::from(shared.stream.has((message.series, message.number)));
    shared.stream.append(message)
}
