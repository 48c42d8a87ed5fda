//! Dead letters, with what became of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, ensure};
use async_nats::Client;
use uuid::Uuid;

use super::dead_letter::DeadLetter;
use super::entry::Entry;
use super::filter::Filter;
use super::stream_reader::{StartAt, StreamReader, message};
use crate::wire::dead_letter::DEAD_LETTERS;
use crate::wire::repair::RepairRecord;

/// At most so many dead letters are held in memory at once: some 200 MB.
pub const LETTERS_MAX: usize = 200_000;

/// The dead letters that a filter means, in the order of the stream. `noted` receives how many messages have been read.
///
/// # Errors
/// The server can't be asked or has no such stream, or the filter means more than [`LETTERS_MAX`] dead letters.
pub async fn survey(client: &Client, filter: &Filter, noted: &mut (dyn FnMut(usize) + Send)) -> Result<Vec<Entry>> {
    let (mut survey, mut read) = (Survey::default(), 0);
    let filter = &narrowed(client, filter).await?;
    let dead_letters = StreamReader::new(client, DEAD_LETTERS, filter.subject(), filter.place());
    dead_letters
        .each(|stored| {
            read += 1;
            noted(read);
            survey.dead_letter(DeadLetter::read(&stored), filter);
            ensure!(
                survey.dead_letters.len() <= LETTERS_MAX,
                "more than {LETTERS_MAX} dead letters are meant: narrow it down"
            );
            Ok(())
        })
        .await?;
    // An answer comes after its dead letter, and is read after it: what is seen to meanwhile counts as handled.
    if let Some(first) = survey.dead_letters.keys().next() {
        let records = StreamReader::new(client, DEAD_LETTERS, filter.records(), StartAt::Sequence(*first));
        records
            .each(|stored| {
                read += 1;
                noted(read);
                if let Some(record) = RepairRecord::read(&stored.envelope) {
                    survey.record(stored.sequence, &record);
                }
                Ok(())
            })
            .await?;
    }
    Ok(survey.found())
}

/// The later dead letters of one dead letter's message have its subject: nothing else has to be read.
async fn narrowed(client: &Client, filter: &Filter) -> Result<Filter> {
    let (Some(first), 1) = (filter.sequences.first(), filter.sequences.len()) else { return Ok(filter.clone()) };
    let stored = message(client, DEAD_LETTERS, *first).await?;
    Ok(stored.map_or_else(|| filter.clone(), |stored| filter.at(&DeadLetter::read(&stored))))
}

/// What has been read so far.
#[derive(Default)]
struct Survey {
    /// The dead letters that are meant, by their sequence, and what was answered.
    dead_letters: BTreeMap<u64, (DeadLetter, Vec<RepairRecord>)>,
    /// The dead letters of one message at one service, from the first that is meant to the last that there is.
    messages: HashMap<(String, Uuid), BTreeSet<u64>>,
}

impl Survey {
    fn dead_letter(&mut self, dead_letter: DeadLetter, filter: &Filter) {
        let meant = filter.matches(&dead_letter);
        if let Some(id) = dead_letter.id {
            let message = (dead_letter.service.clone(), id);
            if meant {
                self.messages.entry(message).or_default().insert(dead_letter.sequence);
            } else if let Some(dead_letters) = self.messages.get_mut(&message) {
                dead_letters.insert(dead_letter.sequence);
            }
        }
        if meant {
            self.dead_letters.insert(dead_letter.sequence, (dead_letter, Vec::new()));
        }
    }

    /// Notes an answer at the dead letter that it names. One that settles a message counts for all of its dead letters that were
    /// there by then: the server may have been given a dead letter twice, and the other one was replayed.
    fn record(&mut self, sequence: u64, record: &RepairRecord) {
        let mut dead_letters = BTreeSet::from([record.dead_letter]);
        if let Some(id) = record.id.filter(|_| record.settles()) {
            dead_letters.extend(self.messages.get(&(record.service.clone(), id)).into_iter().flatten());
        }
        for earlier in dead_letters.range(..sequence) {
            let Some((dead_letter, records)) = self.dead_letters.get_mut(earlier) else { continue };
            // Records, too, may be given to the server twice. And a service speaks for its own dead letters only.
            if dead_letter.service == record.service && records.last() != Some(record) {
                records.push(record.clone());
            }
        }
    }

    fn found(self) -> Vec<Entry> {
        let Self { dead_letters, messages } = self;
        let latest = |dead_letter: &DeadLetter| {
            let dead_letters = messages.get(&(dead_letter.service.clone(), dead_letter.id?))?;
            dead_letters.last().copied()
        };
        let found = dead_letters.into_values().map(|(dead_letter, records)| {
            let latest = latest(&dead_letter).unwrap_or(dead_letter.sequence);
            Entry::new(dead_letter, latest, records)
        });
        found.collect()
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

    /// What became of dead letters, each a sequence and its message's id, after answers, each with its record's sequence.
    fn standings(dead_letters: &[(u64, u128)], records: &[(u64, RepairRecord)]) -> Vec<EntryState> {
        let mut survey = Survey::default();
        let dead_letter = |(sequence, id): &(u64, u128)| DeadLetter::read(&stored(*sequence, *id));
        dead_letters.iter().for_each(|place| survey.dead_letter(dead_letter(place), &Filter::default()));
        records.iter().for_each(|(sequence, record)| survey.record(*sequence, record));
        survey.found().into_iter().map(|found| found.state).collect()
    }

    #[test]
    fn only_the_last_letter_of_a_message_is_open() {
        let wanted = vec![EntryState::Superseded { by: 9 }, EntryState::Open, EntryState::Open];
        assert_eq!(standings(&[(5, 1), (7, 2), (9, 1)], &[]), wanted);
    }

    #[test]
    fn an_answer_settles_every_letter_of_its_message_that_was_there() {
        let done = record(5, 1, RepairOutcome::Done);
        let handled = || EntryState::Handled(done.clone());
        let wanted = vec![handled(), handled(), EntryState::Open];
        assert_eq!(standings(&[(5, 1), (6, 1), (9, 1)], &[(8, done.clone())]), wanted);
    }

    #[test]
    fn what_died_again_is_closed_by_its_new_letter_and_refusals_change_nothing() {
        let (died, refused) = (record(5, 1, RepairOutcome::Died), record(6, 2, RepairOutcome::Refused));
        let records = [(7, died.clone()), (8, refused)];
        assert_eq!(standings(&[(5, 1), (6, 2)], &records), vec![EntryState::Handled(died), EntryState::Open]);
        let wanted = vec![EntryState::Superseded { by: 9 }, EntryState::Open, EntryState::Open];
        assert_eq!(standings(&[(5, 1), (6, 2), (9, 1)], &records), wanted);
    }

    #[test]
    fn a_service_can_not_answer_for_another() {
        let foreign = RepairRecord { service: "order".to_owned(), ..record(5, 1, RepairOutcome::Done) };
        assert_eq!(standings(&[(5, 1)], &[(8, foreign)]), vec![EntryState::Open]);
    }

    #[test]
    fn a_later_letter_that_is_not_meant_still_supersedes() {
        let mut survey = Survey::default();
        let filter = Filter { sequences: BTreeSet::from([5]), ..Filter::default() };
        survey.dead_letter(DeadLetter::read(&stored(5, 1)), &filter);
        survey.dead_letter(DeadLetter::read(&stored(9, 1)), &filter);
        assert_eq!(survey.found()[0].state, EntryState::Superseded { by: 9 });
        let service: Option<Token> = "order".parse().ok();
        assert!(!Filter { service, ..Filter::default() }.matches(&DeadLetter::read(&stored(5, 1))));
    }
}
