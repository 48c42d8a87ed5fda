//! Own messages that the streams have and the database does not, as the repair finds them.
//!
//! What must hold: what a running process has committed meanwhile is not among them.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use uuid::Uuid;

use super::settled::SeriesIndex;
use crate::store::{Given, NewOutboxRow, RowName};

/// Own messages that the database does not know.
#[derive(Default)]
pub(super) struct Unknown {
    /// Those that are not adopted yet.
    pub(super) rows: Vec<NewOutboxRow>,
    /// The numbers of all that were found.
    pub(super) known: HashSet<(SeriesIndex, u64)>,
    /// The highest number of each outbox and kind that was adopted.
    adopted: HashMap<(Uuid, Arc<str>), u64>,
}

impl Unknown {
    /// Leaves out what the database knows by now: in a series whose numbers go up although nothing of it was adopted, a
    /// running process gives them, and publishes nothing that it has not committed.
    pub(super) fn leave_out(&mut self, given: &[Given]) {
        let adopted = &self.adopted;
        let is_known = |RowName { outbox, kind, number }: &RowName| {
            let given = given.iter().find(|given| given.outbox == *outbox && given.kind == *kind);
            let highest_adopted = adopted.get(&(*outbox, kind.clone())).copied().unwrap_or(0);
            given.is_some_and(|given| given.last >= *number && given.last > highest_adopted)
        };
        self.rows.retain(|row| !is_known(&row.name));
    }

    /// Returns the rows that are to be adopted now.
    pub(super) fn take(&mut self) -> Vec<NewOutboxRow> {
        for RowName { outbox, kind, number } in self.rows.iter().map(|row| &row.name) {
            let highest = self.adopted.entry((*outbox, kind.clone())).or_default();
            *highest = (*highest).max(*number);
        }
        std::mem::take(&mut self.rows)
    }
}
