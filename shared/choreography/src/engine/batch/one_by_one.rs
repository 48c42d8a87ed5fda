//! After a crash a batch calls a function only when the database says so: which message the process dies of shows then.

use hashbrown::{HashMap, HashSet};
use uuid::Uuid;

use super::input::Blamed;
use super::{Action, Attempt, Violation, WorkItem};
use crate::store::StoreError;
use crate::wire::ids::derived_id;

/// What has been tried while messages are processed one by one, and what must not be tried any more.
#[derive(Debug, Default)]
pub(crate) struct OneByOne {
    /// What was tried in this batch; the database names the last.
    pub tried: HashSet<Uuid>,
    /// How many processes have crashed on what is not tried any more.
    pub deadly: HashMap<Uuid, u32>,
}

/// Why an attempt at a batch ended without a commit.
pub(crate) enum AttemptError {
    /// The store's error.
    Store(StoreError),
    /// The function of this id comes next: the database must know before it is called.
    Untried(Uuid),
}

impl From<StoreError> for AttemptError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<'a> Attempt<'a> {
    /// Returns the function, if it may be called now. One that is deadly fails without being called.
    ///
    /// # Errors
    /// [`AttemptError::Untried`] if the database must know first.
    pub(super) fn admit(&mut self, item: WorkItem<'a>) -> Result<Option<WorkItem<'a>>, AttemptError> {
        if let Some(violation) = self.violation.filter(|violation| violation.concerns(&item)) {
            self.fail(item, violation.detail.clone());
            return Ok(None);
        }
        let (Some(guard), Some(id)) = (self.one_by_one, item.suspected_as()) else { return Ok(Some(item)) };
        if let Some(crashes) = guard.deadly.get(&id) {
            self.fail(item, format!("deadly: {crashes} processes crashed on it"));
            return Ok(None);
        }
        if guard.tried.contains(&id) { Ok(Some(item)) } else { Err(AttemptError::Untried(id)) }
    }
}

impl Violation {
    /// Whether a function is to blame: that of the message or command itself, or any.
    fn concerns(&self, item: &WorkItem<'_>) -> bool {
        match &item.action {
            Action::React { message, .. } => self.blamed >= Blamed::Reactions || message.is_delivered(),
            Action::Execute { .. } => true,
            Action::Fallback { .. } => self.blamed == Blamed::All,
            Action::PublishEffectResult { .. } | Action::QueueEffect { .. } => false,
        }
    }
}

impl WorkItem<'_> {
    /// Returns the id under which processes that crash on the function are counted. A command's caller knows anyway.
    fn suspected_as(&self) -> Option<Uuid> {
        match &self.action {
            Action::React { .. } => Some(self.cause.id),
            Action::Fallback { .. } => Some(derived_id(self.cause.id, "fallback")),
            Action::PublishEffectResult { .. } | Action::QueueEffect { .. } | Action::Execute { .. } => None,
        }
    }
}
