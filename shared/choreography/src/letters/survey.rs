//! Letters, with what became of each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::{Result, ensure};
use async_nats::Client;
use uuid::Uuid;

use super::DEAD_LETTERS;
use super::answer::Answer;
use super::filter::Filter;
use super::found::Found;
use super::letter::Letter;
use super::stored::{Place, Reading, message};

/// At most so many letters are held in memory at once: some 200 MB.
pub const LETTERS_MAX: usize = 200_000;

/// The letters that a filter means, in the order of the stream. `noted` hears how many messages have been read.
///
/// # Errors
/// The server can't be asked or has no such stream, or the filter means more than [`LETTERS_MAX`] letters.
pub async fn survey(client: &Client, filter: &Filter, noted: &mut (dyn FnMut(usize) + Send)) -> Result<Vec<Found>> {
    let (mut survey, mut read) = (Survey::default(), 0);
    let filter = &narrowed(client, filter).await?;
    let letters = Reading::new(client, DEAD_LETTERS, filter.subject(), filter.place());
    letters
        .each(|stored| {
            read += 1;
            noted(read);
            survey.letter(Letter::read(&stored), filter);
            ensure!(survey.letters.len() <= LETTERS_MAX, "more than {LETTERS_MAX} letters are meant: narrow it down");
            Ok(())
        })
        .await?;
    // An answer comes after its letter, and is read after it: what is seen to meanwhile counts as handled.
    if let Some(first) = survey.letters.keys().next() {
        let answers = Reading::new(client, DEAD_LETTERS, filter.answers(), Place::Sequence(*first));
        answers
            .each(|stored| {
                read += 1;
                noted(read);
                if let Some(answer) = Answer::read(&stored.envelope) {
                    survey.answer(stored.sequence, &answer);
                }
                Ok(())
            })
            .await?;
    }
    Ok(survey.found())
}

/// The later letters of one letter's message have its subject: nothing else has to be read.
async fn narrowed(client: &Client, filter: &Filter) -> Result<Filter> {
    let (Some(first), 1) = (filter.sequences.first(), filter.sequences.len()) else { return Ok(filter.clone()) };
    let stored = message(client, DEAD_LETTERS, *first).await?;
    Ok(stored.map_or_else(|| filter.clone(), |stored| filter.at(&Letter::read(&stored))))
}

/// What has been read so far.
#[derive(Default)]
struct Survey {
    /// The letters that are meant, by their sequence, and what was answered.
    letters: BTreeMap<u64, (Letter, Vec<Answer>)>,
    /// The letters of one message at one service, from the first that is meant to the last that there is.
    messages: HashMap<(String, Uuid), BTreeSet<u64>>,
}

impl Survey {
    fn letter(&mut self, letter: Letter, filter: &Filter) {
        let meant = filter.matches(&letter);
        if let Some(id) = letter.id {
            let message = (letter.service.clone(), id);
            if meant {
                self.messages.entry(message).or_default().insert(letter.sequence);
            } else if let Some(letters) = self.messages.get_mut(&message) {
                letters.insert(letter.sequence);
            }
        }
        if meant {
            self.letters.insert(letter.sequence, (letter, Vec::new()));
        }
    }

    /// Notes an answer at the letter that it names. One that settles a message counts for all of its letters that were
    /// there by then: the server may have been given a letter twice, and the other one was replayed.
    fn answer(&mut self, record: u64, answer: &Answer) {
        let mut letters = BTreeSet::from([answer.letter]);
        if let Some(id) = answer.id.filter(|_| answer.settles()) {
            letters.extend(self.messages.get(&(answer.service.clone(), id)).into_iter().flatten());
        }
        for sequence in letters.range(..record) {
            let Some((letter, answers)) = self.letters.get_mut(sequence) else { continue };
            // Records, too, may be given to the server twice. And a service speaks for its own letters only.
            if letter.service == answer.service && answers.last() != Some(answer) {
                answers.push(answer.clone());
            }
        }
    }

    fn found(self) -> Vec<Found> {
        let Self { letters, messages } = self;
        let latest = |letter: &Letter| {
            let letters = messages.get(&(letter.service.clone(), letter.id?))?;
            letters.last().copied()
        };
        let found = letters.into_values().map(|(letter, answers)| {
            let latest = latest(&letter).unwrap_or(letter.sequence);
            Found::new(letter, latest, answers)
        });
        found.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::found::Standing;
    use super::super::letter::tests::stored;
    use super::super::{Outcome, Token};
    use super::*;

    fn answer(letter: u64, id: u128, outcome: Outcome) -> Answer {
        let (service, what, detail) = ("payment".to_owned(), "replay".to_owned(), String::new());
        Answer { service, letter, id: Some(Uuid::from_u128(id)), what, outcome, detail, time: None }
    }

    /// What became of letters, each a sequence and its message's id, after answers, each with its record's sequence.
    fn standings(letters: &[(u64, u128)], answers: &[(u64, Answer)]) -> Vec<Standing> {
        let mut survey = Survey::default();
        let letter = |(sequence, id): &(u64, u128)| Letter::read(&stored(*sequence, *id));
        letters.iter().for_each(|place| survey.letter(letter(place), &Filter::default()));
        answers.iter().for_each(|(record, answer)| survey.answer(*record, answer));
        survey.found().into_iter().map(|found| found.standing).collect()
    }

    #[test]
    fn only_the_last_letter_of_a_message_is_open() {
        let wanted = vec![Standing::Superseded { by: 9 }, Standing::Open, Standing::Open];
        assert_eq!(standings(&[(5, 1), (7, 2), (9, 1)], &[]), wanted);
    }

    #[test]
    fn an_answer_settles_every_letter_of_its_message_that_was_there() {
        let done = answer(5, 1, Outcome::Done);
        let handled = || Standing::Handled(done.clone());
        let wanted = vec![handled(), handled(), Standing::Open];
        assert_eq!(standings(&[(5, 1), (6, 1), (9, 1)], &[(8, done.clone())]), wanted);
    }

    #[test]
    fn what_died_again_is_closed_by_its_new_letter_and_refusals_change_nothing() {
        let (died, refused) = (answer(5, 1, Outcome::Died), answer(6, 2, Outcome::Refused));
        let answers = [(7, died.clone()), (8, refused)];
        assert_eq!(standings(&[(5, 1), (6, 2)], &answers), vec![Standing::Handled(died), Standing::Open]);
        let wanted = vec![Standing::Superseded { by: 9 }, Standing::Open, Standing::Open];
        assert_eq!(standings(&[(5, 1), (6, 2), (9, 1)], &answers), wanted);
    }

    #[test]
    fn a_service_can_not_answer_for_another() {
        let foreign = Answer { service: "order".to_owned(), ..answer(5, 1, Outcome::Done) };
        assert_eq!(standings(&[(5, 1)], &[(8, foreign)]), vec![Standing::Open]);
    }

    #[test]
    fn a_later_letter_that_is_not_meant_still_supersedes() {
        let mut survey = Survey::default();
        let filter = Filter { sequences: BTreeSet::from([5]), ..Filter::default() };
        survey.letter(Letter::read(&stored(5, 1)), &filter);
        survey.letter(Letter::read(&stored(9, 1)), &filter);
        assert_eq!(survey.found()[0].standing, Standing::Superseded { by: 9 });
        let service: Option<Token> = "order".parse().ok();
        assert!(!Filter { service, ..Filter::default() }.matches(&Letter::read(&stored(5, 1))));
    }
}
