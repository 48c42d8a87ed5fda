//! What provisioning changed.

use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};

use crate::bus::jetstream::planned::differences;

/// What provisioning did with one stream or consumer. As text it is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It was missing.
    Created {
        /// The stream or consumer.
        resource: String,
        /// What can't be undone, if anything.
        remark: Option<&'static str>,
    },
    /// It differed, and was updated in place.
    Updated {
        /// The stream or consumer.
        resource: String,
        /// What differed.
        differences: Vec<Difference>,
    },
    /// It was as planned.
    Unchanged {
        /// The stream or consumer.
        resource: String,
    },
}

/// A field whose value on the server differs from the plan's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, as the server's API names it.
    pub field: String,
    /// The value that the server has; null if the field is off.
    pub actual: Value,
    /// The value of the plan; null if the field must be off.
    pub planned: Value,
}

impl Difference {
    /// Returns the fields in which the server's definition differs from the plan's. Fields that the plan leaves out are
    /// not compared.
    pub(super) fn between(planned: &Map<String, Value>, actual: &Map<String, Value>) -> Vec<Self> {
        let named = |(field, actual, planned): (String, Value, Value)| Self { field, actual, planned };
        differences(planned, actual).into_iter().map(named).collect()
    }

    /// Returns differences as one text.
    pub(super) fn list(differences: &[Self]) -> String {
        differences.iter().map(Self::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} (is {}, should be {})", self.field, self.actual, self.planned)
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created { resource, remark: None } => write!(f, "{resource}: created"),
            Self::Created { resource, remark: Some(remark) } => write!(f, "{resource}: created ({remark})"),
            Self::Updated { resource, differences } => {
                write!(f, "{resource}: updated {}", Difference::list(differences))
            }
            Self::Unchanged { resource } => write!(f, "{resource}: unchanged"),
        }
    }
}
