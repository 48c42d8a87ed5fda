//! What provisioning changed.

use std::fmt::{self, Display, Formatter};

use serde_json::{Map, Value};

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
        let differs = |(field, planned): (&String, &Value)| {
            let actual = actual.get(field).unwrap_or(&Value::Null);
            let (actual, planned) = (normal(&planned_part(planned, actual)), normal(planned));
            (actual != planned).then(|| Self { field: field.clone(), actual, planned })
        };
        planned.iter().filter_map(differs).collect()
    }

    /// Returns differences as one text.
    pub(super) fn list(differences: &[Self]) -> String {
        differences.iter().map(Self::to_string).collect::<Vec<_>>().join(", ")
    }
}

/// Returns what the plan says something about: of an object only the planned fields, because the server adds metadata of
/// its own.
fn planned_part(planned: &Value, actual: &Value) -> Value {
    match (planned, actual) {
        (Value::Object(planned), Value::Object(actual)) => {
            let of_plan = actual.iter().filter(|(field, _)| planned.contains_key(*field));
            Value::Object(of_plan.map(|(field, value)| (field.clone(), value.clone())).collect())
        }
        _ => actual.clone(),
    }
}

/// Returns a value in the form in which it is compared: lists are sets; null, false, zero and empty are the same,
/// because the server leaves out what is off.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let mut items = items.clone();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Array(_) | Value::Bool(false) => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Number(number) if number.as_u64() == Some(0) => Value::Null,
        other => other.clone(),
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
