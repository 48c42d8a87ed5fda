//! What became of what was asked: a line for each dead letter that is worth one, and the sums.

use std::collections::BTreeSet;
use std::fmt::{Result as Written, Write};

use anyhow::{Error, Result};
use choreography::dead_letters::{RepairOutcome, RepairRequest};
use serde_json::{Map, Value, json};

use crate::output::{Ending, Output, Typed};
use crate::row::{MISSING, PLANNED, Row, SKIPPED, UNANSWERED, UNPUBLISHED};
use crate::table::{Table, counted};

/// More dead letters than this, and those of which all is done are only counted.
const ALL_ROWS_MAX: usize = 20;

/// At most so many lines; the JSON has all.
const ROWS_MAX: usize = 50;

/// The outcomes, as they are counted: for scripts, and for people if they were replayed or dropped.
const OUTCOMES: [(&str, &str, &str); 9] = [
    (PLANNED, "would be replayed", "would be dropped"),
    ("done", "replayed", "dropped"),
    ("nothing", "replayed without changing anything", "changed nothing"),
    ("refused", "refused: not dead any more", "refused: not dead any more"),
    ("died", "died again", "died again"),
    (UNANSWERED, "without an answer yet", "without an answer yet"),
    (UNPUBLISHED, "not published", "not published"),
    (SKIPPED, "skipped", "skipped"),
    (MISSING, "not there", "not there"),
];

/// What became of all of them.
pub(crate) struct Repaired {
    is_drop: bool,
    dry_run: bool,
    rows: Vec<Row>,
    /// What broke it off.
    pub(crate) failure: Option<Error>,
}

impl Repaired {
    /// Nothing yet.
    pub(crate) fn new(request: &RepairRequest, dry_run: bool) -> Self {
        Self { is_drop: matches!(request, RepairRequest::Drop { .. }), dry_run, rows: Vec::new(), failure: None }
    }

    /// Notes what became of a dead letter.
    pub(crate) fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Notes that there is no such dead letter.
    pub(crate) fn missing(&mut self, sequence: u64) {
        self.rows.push(Row::missing(sequence));
    }

    /// All of it, for people and for scripts.
    pub(crate) fn output(mut self, typed: &Typed) -> Result<Output> {
        self.rows.sort_by_key(|row| row.sequence);
        let mut text = String::new();
        self.lines(&mut text)?;
        self.sums(&mut text)?;
        self.next(&mut text, typed)?;
        let (json, ending) = (self.json(), self.ending());
        Ok(Output { text, json, ending, failure: self.failure })
    }

    fn count(&self, outcome: &str) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    fn ending(&self) -> Ending {
        if self.count(MISSING) == self.rows.len() {
            Ending::NothingMatched
        } else if self.rows.iter().all(Row::is_done) {
            Ending::Done
        } else {
            Ending::NotAll
        }
    }

    fn lines(&self, text: &mut String) -> Written {
        let few = self.rows.len() <= ALL_ROWS_MAX;
        let rows: Vec<&Row> = self.rows.iter().filter(|row| few || self.dry_run || !row.is_done()).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&["LETTER", "SERVICE", "MESSAGE", "ORDER", "OUTCOME", "DETAIL"], &["LETTER"]);
        for row in rows.iter().take(ROWS_MAX) {
            let [service, message, key] = row.cells().map(str::to_owned);
            let outcome = row.outcome.to_owned();
            table.row(vec![row.sequence.to_string(), service, message, key, outcome, row.detail.clone()]);
        }
        write!(text, "{table}")?;
        if rows.len() > ROWS_MAX {
            writeln!(text, "  and {} more (--json has all of them)", rows.len() - ROWS_MAX)?;
        }
        Ok(())
    }

    fn sums(&self, text: &mut String) -> Written {
        if self.rows.is_empty() {
            return writeln!(text, "No dead letter matches that is still to be seen to.");
        }
        let sums = OUTCOMES.iter().filter_map(|(outcome, replayed, dropped)| {
            let count = self.count(outcome);
            (count > 0).then(|| format!("{count} {}", if self.is_drop { dropped } else { replayed }))
        });
        let sums: Vec<String> = sums.collect();
        writeln!(text, "{}: {}.", counted(self.rows.len(), "dead letter"), sums.join(", "))
    }

    fn next(&self, text: &mut String, typed: &Typed) -> Written {
        let list = typed.command("list");
        let late = self.rows.iter().filter(|row| row.outcome == UNANSWERED);
        let services: BTreeSet<&str> = late.map(|row| row.cells()[0]).collect();
        for service in services {
            writeln!(
                text,
                "no answer yet: {service} is down or busy; it will be done when it is back; `{list}` shows it"
            )?;
        }
        if self.dry_run && self.count(PLANNED) > 0 {
            writeln!(text, "Nothing was done. Next: the same without --dry-run")
        } else if self.count(RepairOutcome::Died.as_str()) > 0 {
            writeln!(text, "Next: {list}, for the new dead letters")
        } else {
            writeln!(text, "Next: {list}")
        }
    }

    fn json(&self) -> Value {
        let counts = OUTCOMES.iter().filter_map(|(outcome, ..)| {
            let count = self.count(outcome);
            (count > 0).then(|| ((*outcome).to_owned(), count.into()))
        });
        json!({
            "what": if self.is_drop { "drop" } else { "replay" },
            "dry_run": self.dry_run,
            "counts": counts.collect::<Map<_, _>>(),
            "letters": self.rows.iter().map(Row::json).collect::<Vec<_>>(),
        })
    }
}
