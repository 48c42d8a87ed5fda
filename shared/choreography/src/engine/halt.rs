//! Why reading has stopped until an operator goes on, as the database has it.

use crate::watched::Watched;

/// Whether the service is halted; a clone is the same.
#[derive(Clone, Default)]
pub(crate) struct Halt(Watched<Option<String>>);

impl Halt {
    pub(crate) fn set(&self, reason: Option<String>) {
        if self.0.get() != reason {
            self.0.change(|halted| *halted = reason);
        }
    }

    /// Returns why the service is halted; none if it is not.
    pub(crate) fn reason(&self) -> Option<String> {
        self.0.get()
    }
}
