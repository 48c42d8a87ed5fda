//! Dead letters, each with its state.

use std::collections::{BTreeMap, BTreeSet};

use async_nats::Client;
use hashbrown::HashMap;
use uuid::Uuid;

use super::dead_letter::DeadLetter;
use super::entry::Entry;
use super::error::{DEAD_LETTERS_MAX, DeadLettersError};
use super::filter::Filter;
use crate::bus::jetstream::single_message::{Position, message};
use crate::bus::jetstream::stored_messages::StreamReader;
use crate::bus::{BusError, ReadFrom, Stored};
use crate::wire::dead_letter::DEAD_LETTERS;
use crate::wire::repair::RepairRecord;

/// Returns the dead letters that match a filter, in the order of the stream. `on_progress` is called with the number of
/// messages that have been read.
///
/// # Errors
/// The server can't be reached or has no such stream, or more than [`DEAD_LETTERS_MAX`] dead letters match.
pub async fn list(
    client: &Client,
    filter: &Filter,
    on_progress: &mut (dyn FnMut(usize) + Send),
) -> Result<Vec<Entry>, DeadLettersError> {
    let (mut collected, mut read) = (Collected::default(), 0);
    let filter = &narrowed(client, filter).await?;
    let dead_letters = StreamReader::new(client, DEAD_LETTERS, filter.subject(), filter.start());
    let add = |stored: Stored| {
        read += 1;
        on_progress(read);
        collected.add(DeadLetter::read(&stored), filter);
        if collected.dead_letters.len() > DEAD_LETTERS_MAX { Err(DeadLettersError::TooMany) } else { Ok(()) }
    };
    dead_letters.each(add).await?;
    // A record comes after its dead letter in the stream, and is read after it: a repair that ends meanwhile counts.
    if let Some(first) = collected.dead_letters.keys().next() {
        let records = StreamReader::new(client, DEAD_LETTERS, filter.record_subject(), ReadFrom::Sequence(*first));
        let add = |stored: Stored| {
            read += 1;
            on_progress(read);
            if let Some(record) = RepairRecord::read(&stored.envelope) {
                collected.add_record(stored.sequence, &record);
            }
            Ok::<_, BusError>(())
        };
        records.each(add).await?;
    }
    Ok(collected.entries())
}

/// Returns the filter, narrowed to the subject of the dead letter if it names only one: later dead letters of the same
/// message have the same subject.
async fn narrowed(client: &Client, filter: &Filter) -> Result<Filter, DeadLettersError> {
    let (Some(first), 1) = (filter.sequences.first(), filter.sequences.len()) else { return Ok(filter.clone()) };
    let stored = message(client, DEAD_LETTERS, Position::At(*first)).await?;
    Ok(stored.map_or_else(|| filter.clone(), |stored| filter.narrowed_to(&DeadLetter::read(&stored))))
}

/// What has been read so far.
#[derive(Default)]
struct Collected {
    /// The dead letters that match, by sequence, each with its records.
    dead_letters: BTreeMap<u64, (DeadLetter, Vec<RepairRecord>)>,
    /// The dead letters of one message at one service, from the first that matches to the last in the stream.
    messages: HashMap<(String, Uuid), BTreeSet<u64>>,
}

impl Collected {
    fn add(&mut self, dead_letter: DeadLetter, filter: &Filter) {
        let matches = filter.matches(&dead_letter);
        if let Some(id) = dead_letter.id {
            let message = (dead_letter.service.clone(), id);
            if matches {
                self.messages.entry(message).or_default().insert(dead_letter.sequence);
            } else if let Some(dead_letters) = self.messages.get_mut(&message) {
                dead_letters.insert(dead_letter.sequence);
            }
        }
        if matches {
            self.dead_letters.insert(dead_letter.sequence, (dead_letter, Vec::new()));
        }
    }

    /// Adds a record to the dead letter that it names. One that settles a message counts for all of its dead letters
    /// that were stored before: a dead letter may have been published twice, and the other copy was replayed.
    fn add_record(&mut self, sequence: u64, record: &RepairRecord) {
        let mut dead_letters = BTreeSet::from([record.dead_letter]);
        if let Some(id) = record.id.filter(|_| record.settles()) {
            dead_letters.extend(self.messages.get(&(record.service.clone(), id)).into_iter().flatten());
        }
        for earlier in dead_letters.range(..sequence) {
            let Some((dead_letter, records)) = self.dead_letters.get_mut(earlier) else { continue };
            // A record may be published twice, too. And a service can only settle its own dead letters.
            if dead_letter.service == record.service && records.last() != Some(record) {
                records.push(record.clone());
            }
        }
    }

    fn entries(self) -> Vec<Entry> {
        let Self { dead_letters, messages } = self;
        let latest = |dead_letter: &DeadLetter| {
            let dead_letters = messages.get(&(dead_letter.service.clone(), dead_letter.id?))?;
            dead_letters.last().copied()
        };
        let entries = dead_letters.into_values().map(|(dead_letter, records)| {
            let latest = latest(&dead_letter).unwrap_or(dead_letter.sequence);
            Entry::new(dead_letter, latest, records)
        });
        entries.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::dead_letter::tests::stored;
    use super::super::entry::EntryState;
    use super::super::{RepairOutcome, Token};
    use super::*;

    fn record(dead_letter: u64, id: u128, outcome: RepairOutcome) -> RepairRecord {
        let (service, what, detail) = ("payment".to_owned(), "replay".to_owned(), String::new());
        RepairRecord { service, dead_letter, id: Some(Uuid::from_u128(id)), what, outcome, detail, time: None }
    }

    /// Returns the states of dead letters (sequence and message id) after these records (with their sequences).
    fn states(dead_letters: &[(u64, u128)], records: &[(u64, RepairRecord)]) -> Vec<EntryState> {
        let mut collected = Collected::default();
        for (sequence, id) in dead_letters {
            collected.add(DeadLetter::read(&stored(*sequence, *id)), &Filter::default());
        }
        records.iter().for_each(|(sequence, record)| collected.add_record(*sequence, record));
        collected.entries().into_iter().map(|entry| entry.state).collect()
    }

    #[test]
    fn only_the_last_dead_letter_of_a_message_is_open() {
        let wanted = vec![EntryState::Superseded { by: 9 }, EntryState::Open, EntryState::Open];
        assert_eq!(states(&[(5, 1), (7, 2), (9, 1)], &[]), wanted);
    }

    #[test]
    fn record_settles_every_earlier_dead_letter_of_its_message() {
        let done = record(5, 1, RepairOutcome::Done);
        let handled = || EntryState::Handled(done.clone());
        let wanted = vec![handled(), handled(), EntryState::Open];
        assert_eq!(states(&[(5, 1), (6, 1), (9, 1)], &[(8, done.clone())]), wanted);
    }

    #[test]
    fn message_that_died_again_is_superseded_and_refused_repair_changes_nothing() {
        let (died, refused) = (record(5, 1, RepairOutcome::Died), record(6, 2, RepairOutcome::Refused));
        let records = [(7, died.clone()), (8, refused)];
        assert_eq!(states(&[(5, 1), (6, 2)], &records), vec![EntryState::Handled(died), EntryState::Open]);
        let wanted = vec![EntryState::Superseded { by: 9 }, EntryState::Open, EntryState::Open];
        assert_eq!(states(&[(5, 1), (6, 2), (9, 1)], &records), wanted);
    }

    #[test]
    fn service_can_not_settle_the_dead_letters_of_another() {
        let of_another = RepairRecord { service: "order".to_owned(), ..record(5, 1, RepairOutcome::Done) };
        assert_eq!(states(&[(5, 1)], &[(8, of_another)]), vec![EntryState::Open]);
    }

    #[test]
    fn later_dead_letter_that_does_not_match_still_supersedes() {
        let mut collected = Collected::default();
        let filter = Filter { sequences: BTreeSet::from([5]), ..Filter::default() };
        collected.add(DeadLetter::read(&stored(5, 1)), &filter);
        collected.add(DeadLetter::read(&stored(9, 1)), &filter);
        assert_eq!(collected.entries()[0].state, EntryState::Superseded { by: 9 });
        let service: Option<Token> = "order".parse().ok();
        assert!(!Filter { service, ..Filter::default() }.matches(&DeadLetter::read(&stored(5, 1))));
    }
}
