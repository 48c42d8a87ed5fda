//! What the tests of the circuits are set up with: letters as drawn, and any letters at all.

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::subsequence;

use super::letter::Trouble;
use super::{Circuits, Letter};

pub(crate) const THRESHOLD: u32 = 3;
pub(crate) const KINDS: [&str; 2] = ["pay", "ship"];
/// Seconds after which every circuit has come to rest, whatever [`stored`] has in store.
pub(crate) const SECONDS_MAX: i64 = 95;

/// So many milliseconds after noon, when a cycle begins.
pub(crate) fn moment(milliseconds: i64) -> Timestamp {
    let noon: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_millis(milliseconds)
}

pub(crate) fn letter(message: &str, milliseconds: i64, sequence: u64, trouble: Trouble) -> Letter {
    let detail = if trouble == Trouble::Overdue { "delivery is 12 behind" } else { "" };
    Letter { at: moment(milliseconds), sequence, trouble, message: message.to_owned(), detail: detail.to_owned() }
}

/// Circuits that have heard of some letters, and of all there are.
pub(crate) fn circuits<'a>(letters: impl IntoIterator<Item = &'a Letter>) -> Circuits {
    let mut circuits = Circuits::new(THRESHOLD, moment(0));
    letters.into_iter().for_each(|letter| circuits.note(letter.clone()));
    circuits.catch_up();
    circuits
}

/// The letters of `pay`, a character a cycle: how many were exhausted in it, `o` for one that is overdue, `.` for none.
pub(crate) fn drawn(cycles: &str) -> Vec<Letter> {
    let mut letters = Vec::new();
    for (cycle, character) in (0..).zip(cycles.chars()) {
        let (count, trouble) = match character {
            'o' => (1, Trouble::Overdue),
            digit => (digit.to_digit(10).unwrap_or_default(), Trouble::Exhausted),
        };
        for place in 0..count {
            let sequence = u64::try_from(letters.len()).unwrap() + 1;
            letters.push(letter("pay", cycle * 5_000 + 1_000 + i64::from(place), sequence, trouble));
        }
    }
    letters
}

/// The letters of one cycle: in which of its seconds, so that some come together and some with its very beginning, and
/// why.
fn cycle() -> impl Strategy<Value = Vec<(i64, Trouble)>> {
    let letter = || (0_i64..5, prop_oneof![Just(Trouble::Exhausted), Just(Trouble::Expired)]);
    let overdue = (0_i64..5).prop_map(|second| vec![(second, Trouble::Overdue)]);
    prop_oneof![4 => vec(letter(), 0..3), 5 => vec(letter(), 3..6), 1 => overdue]
}

/// Any letters of both kinds, as the server has them in store.
pub(crate) fn stored() -> impl Strategy<Value = Vec<Letter>> {
    let kind = || vec(cycle(), 0..16);
    [kind(), kind()].prop_map(|kinds| {
        let mut letters = Vec::new();
        for (message, cycles) in KINDS.iter().zip(kinds) {
            for (number, cycle) in (0_i64..).zip(cycles) {
                let placed = |(second, trouble)| letter(message, (number * 5 + second) * 1_000, 0, trouble);
                letters.extend(cycle.into_iter().map(placed));
            }
        }
        letters.sort();
        (1..).zip(&mut letters).for_each(|(sequence, letter)| letter.sequence = sequence);
        letters
    })
}

/// Letters as stored, and as one instance may hear of them: in any order, some twice.
pub(crate) fn heard() -> impl Strategy<Value = (Vec<Letter>, Vec<Letter>)> {
    stored().prop_flat_map(|stored| {
        let twice = subsequence(stored.clone(), 0..=stored.len());
        let heard = (Just(stored.clone()), twice).prop_map(|(once, twice)| [once, twice].concat());
        (Just(stored), heard.prop_shuffle())
    })
}

/// The moments at which an answer may change, and the last ones of each cycle.
pub(crate) fn moments() -> impl Iterator<Item = Timestamp> {
    let last = |second| (second % 5 == 0).then(|| moment(second * 1_000) - SignedDuration::from_nanos(1));
    (0..=SECONDS_MAX).flat_map(move |second| last(second).into_iter().chain([moment(second * 1_000)]))
}
