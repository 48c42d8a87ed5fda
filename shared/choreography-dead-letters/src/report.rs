//! The report of a repair: a line for each dead letter that needs attention, and the totals.

use std::collections::BTreeSet;
use std::fmt::{Result as Written, Write};

use anyhow::{Error, Result};
use choreography::dead_letters::{RepairOutcome, RepairRequest};
use serde_json::{Map, Value, json};

use crate::invocation::Invocation;
use crate::output::{Ending, Output};
use crate::report_row::{MISSING, PENDING, PLANNED, ReportRow, SKIPPED, UNPUBLISHED};
use crate::table::{Table, counted};

/// With more dead letters than this, those that are done are only counted.
const ALL_ROWS_MAX: usize = 20;

/// The most lines of the table; the JSON has all.
const ROWS_MAX: usize = 50;

/// The outcomes: as scripts read them, and as people do if the dead letters were replayed, or dropped.
const OUTCOMES: [(&str, &str, &str); 9] = [
    (PLANNED, "would be replayed", "would be dropped"),
    ("done", "replayed", "dropped"),
    ("nothing", "replayed without changing anything", "changed nothing"),
    ("refused", "refused: no longer dead", "refused: no longer dead"),
    ("died", "died again", "died again"),
    (PENDING, "not recorded yet", "not recorded yet"),
    (UNPUBLISHED, "not published", "not published"),
    (SKIPPED, "skipped", "skipped"),
    (MISSING, "missing", "missing"),
];

/// The report of a repair.
pub(crate) struct Report {
    is_drop: bool,
    dry_run: bool,
    rows: Vec<ReportRow>,
    /// Why the repair stopped early; none if it did not.
    pub(crate) failure: Option<Error>,
}

impl Report {
    /// Returns an empty report.
    pub(crate) fn new(request: &RepairRequest, dry_run: bool) -> Self {
        Self { is_drop: matches!(request, RepairRequest::Drop { .. }), dry_run, rows: Vec::new(), failure: None }
    }

    /// Adds the row of a dead letter.
    pub(crate) fn add(&mut self, row: ReportRow) {
        self.rows.push(row);
    }

    /// Returns the report for people and for scripts.
    pub(crate) fn output(mut self, invocation: &Invocation) -> Result<Output> {
        self.rows.sort_by_key(|row| row.sequence);
        let mut text = String::new();
        self.write_table(&mut text)?;
        self.write_totals(&mut text)?;
        self.write_next(&mut text, invocation)?;
        let (json, ending) = (self.json(), self.ending());
        Ok(Output { text, json, ending, failure: self.failure })
    }

    fn count(&self, outcome: &str) -> usize {
        self.rows.iter().filter(|row| row.outcome == outcome).count()
    }

    fn ending(&self) -> Ending {
        if self.count(MISSING) == self.rows.len() {
            Ending::NothingMatched
        } else if self.rows.iter().all(ReportRow::is_done) {
            Ending::Done
        } else {
            Ending::NotAll
        }
    }

    fn write_table(&self, text: &mut String) -> Written {
        let few = self.rows.len() <= ALL_ROWS_MAX;
        let rows: Vec<&ReportRow> = self.rows.iter().filter(|row| few || self.dry_run || !row.is_done()).collect();
        if rows.is_empty() {
            return Ok(());
        }
        let mut table = Table::new(&["NUMBER", "SERVICE", "MESSAGE", "KEY", "OUTCOME", "DETAIL"], &["NUMBER"]);
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

    fn write_totals(&self, text: &mut String) -> Written {
        if self.rows.is_empty() {
            return writeln!(text, "No open dead letter matches.");
        }
        let totals = OUTCOMES.iter().filter_map(|(outcome, replayed, dropped)| {
            let count = self.count(outcome);
            (count > 0).then(|| format!("{count} {}", if self.is_drop { dropped } else { replayed }))
        });
        let totals: Vec<String> = totals.collect();
        writeln!(text, "{}: {}.", counted(self.rows.len(), "dead letter"), totals.join(", "))
    }

    fn write_next(&self, text: &mut String, invocation: &Invocation) -> Written {
        let list = invocation.of("list");
        let pending = self.rows.iter().filter(|row| row.outcome == PENDING);
        let services: BTreeSet<&str> = pending.map(|row| row.cells()[0]).collect();
        for service in services {
            writeln!(
                text,
                "no record yet: {service} is down or busy; it will process the message when it is back; `{list}` shows it"
            )?;
        }
        if self.dry_run && self.count(PLANNED) > 0 {
            writeln!(text, "Nothing was published. Next: the same without --dry-run")
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
            "dead_letters": self.rows.iter().map(ReportRow::json).collect::<Vec<_>>(),
        })
    }
}
