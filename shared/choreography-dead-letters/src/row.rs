//! What became of one dead letter that was to be replayed or dropped.

use choreography::dead_letters::{DeadLetter, Obstacle, RepairOutcome, RepairResult};
use serde_json::{Value, json};

/// The outcomes beside those that a service answers, as scripts read them.
pub(crate) const PLANNED: &str = "planned";
pub(crate) const UNANSWERED: &str = "unanswered";
pub(crate) const UNPUBLISHED: &str = "unpublished";
pub(crate) const SKIPPED: &str = "skipped";
pub(crate) const MISSING: &str = "missing";

/// What became of one dead letter.
pub(crate) struct Row {
    pub(crate) sequence: u64,
    letter: Option<DeadLetter>,
    pub(crate) outcome: &'static str,
    pub(crate) detail: String,
}

impl Row {
    /// A dead letter that can't be seen to.
    pub(crate) fn skipped(letter: &DeadLetter, obstacle: &Obstacle) -> Self {
        let hint = if matches!(obstacle, Obstacle::Handled(_)) { "; --again asks all the same" } else { "" };
        Self::new(letter, SKIPPED, format!("{obstacle}{hint}"))
    }

    /// A dead letter that would be seen to.
    pub(crate) fn planned(letter: &DeadLetter) -> Self {
        Self::new(letter, PLANNED, String::new())
    }

    /// A dead letter that is not there.
    pub(crate) fn missing(sequence: u64) -> Self {
        Self { sequence, letter: None, outcome: MISSING, detail: format!("there is no dead letter {sequence}") }
    }

    /// A dead letter that was asked about.
    pub(crate) fn of(letter: &DeadLetter, result: RepairResult) -> Self {
        match result {
            RepairResult::Answered(answer) => Self::new(letter, answer.outcome.as_str(), answer.detail),
            RepairResult::Unanswered => Self::new(letter, UNANSWERED, String::new()),
            RepairResult::Unpublished(why) => Self::new(letter, UNPUBLISHED, why),
        }
    }

    fn new(letter: &DeadLetter, outcome: &'static str, detail: String) -> Self {
        Self { sequence: letter.sequence, letter: Some(letter.clone()), outcome, detail }
    }

    pub(crate) fn is_done(&self) -> bool {
        self.outcome == RepairOutcome::Done.as_str() || self.outcome == PLANNED
    }

    /// The service, the message and the key, as far as they are known.
    pub(crate) fn cells(&self) -> [&str; 3] {
        self.letter.as_ref().map_or([""; 3], |letter| [&letter.service, &letter.message, &letter.key])
    }

    pub(crate) fn json(&self) -> Value {
        let letter = self.letter.as_ref();
        json!({
            "sequence": self.sequence,
            "service": letter.map(|letter| &letter.service),
            "message": letter.map(|letter| &letter.message),
            "key": letter.map(|letter| &letter.key),
            "id": letter.and_then(|letter| letter.id).map(|id| id.to_string()),
            "outcome": self.outcome,
            "detail": self.detail,
        })
    }
}
