//! What a publisher keeps of what it published, and what it publishes again when the stream may have lost something.
//!
//! One thing must hold: a row is recognised in the stream by its series and number, never by its id.

use std::collections::{BTreeMap, BTreeSet};

use crate::checkpoints::Checkpoint;
use crate::message::{Id, Message, Series};

/// A row's name in the stream.
pub(crate) type RowName = (Series, u64);

/// A row of the table `outbox`: not published yet, or published and still kept.
#[derive(Clone, Debug)]
pub(crate) struct OutboxRow {
    /// The message as it is sent.
    pub message: Message,
    /// Whether the server refuses it for good.
    pub refused: bool,
    /// Where it was acknowledged, as noted once a second.
    pub noted: Option<Checkpoint>,
}

impl OutboxRow {
    /// Returns the row's name.
    pub(crate) fn name(&self) -> RowName {
        (self.message.series, self.message.number)
    }
}

/// What a publisher found out about its rows when it compared them with the stream.
#[derive(Debug, Default)]
pub(crate) struct Repair {
    /// Rows that the stream has, and where. All others are published, in the order of the table.
    pub stored: BTreeMap<RowName, Checkpoint>,
    /// Own messages that the database never gave a number to: it was put back to an older copy.
    pub unknown: Vec<(Message, Checkpoint)>,
    /// Rows whose message the stream has under a number that the database does not know: they go out as placeholders.
    pub repeated: BTreeSet<RowName>,
}

/// Compares the kept rows with the own messages that the stream lists.
///
/// `given` holds the highest number that the database knows of each series.
pub(crate) fn compare(rows: &[OutboxRow], listed: &[(Message, Checkpoint)], given: &BTreeMap<Series, u64>) -> Repair {
    let places: BTreeMap<RowName, Checkpoint> =
        listed.iter().rev().map(|(message, place)| ((message.series, message.number), *place)).collect();
    let is_unknown = |message: &Message| given.get(&message.series).is_none_or(|last| message.number > *last);
    let mut unknown = listed.to_vec();
    unknown.retain(|(message, place)| is_unknown(message) && places[&(message.series, message.number)] == *place);
    let ids: BTreeSet<Id> =
        unknown.iter().filter(|(message, _)| !message.placeholder).map(|(message, _)| message.id).collect();
    let mut repair = Repair { unknown, ..Repair::default() };
    for row in rows {
        match places.get(&row.name()) {
            Some(place) => drop(repair.stored.insert(row.name(), *place)),
            None if ids.contains(&row.message.id) => drop(repair.repeated.insert(row.name())),
            None => {}
        }
    }
    repair
}
