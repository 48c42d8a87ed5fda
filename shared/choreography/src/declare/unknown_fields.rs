//! Fields of a stored row that its type does not know, because a newer version of the service wrote them: they are kept
//! when the row is written again.
//!
//! They are kept in the row itself, and in structs and maps within it, as long as these are there. They are not kept in
//! lists, whose entries have no names, nor in enums and in `#[serde(flatten)]`, which hide what they skip.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_ignored::Path;
use serde_json::Value;

/// Fields by their paths from the row.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct UnknownFields(Vec<(Vec<String>, Value)>);

impl UnknownFields {
    /// Reads a row from its stored state, with the fields that its type does not know.
    pub(crate) fn read<S: DeserializeOwned>(state: &str) -> Result<(S, Self), serde_json::Error> {
        let mut paths = Vec::new();
        let mut deserializer = serde_json::Deserializer::from_str(state);
        let row = serde_ignored::deserialize(&mut deserializer, |path| paths.extend(names(&path)))?;
        deserializer.end()?;
        if paths.is_empty() {
            return Ok((row, Self::default()));
        }
        let state: Value = serde_json::from_str(state)?;
        let field = |path: Vec<String>| {
            let value = path.iter().try_fold(&state, |value, name| value.get(name))?.clone();
            Some((path, value))
        };
        Ok((row, Self(paths.into_iter().filter_map(field).collect())))
    }

    /// Writes a row as it is stored, with the unknown fields.
    pub(crate) fn write<S: Serialize>(&self, row: &S) -> Result<String, serde_json::Error> {
        if self.0.is_empty() {
            return serde_json::to_string(row);
        }
        let mut state = serde_json::to_value(row)?;
        for (path, value) in &self.0 {
            let Some((name, within)) = path.split_last() else { continue };
            let object = within.iter().try_fold(&mut state, |value, name| value.get_mut(name));
            if let Some(fields) = object.and_then(Value::as_object_mut) {
                fields.entry(name).or_insert_with(|| value.clone());
            }
        }
        serde_json::to_string(&state)
    }
}

/// Returns the names on the way to a field; none if a list is on the way.
fn names(path: &Path<'_>) -> Option<Vec<String>> {
    match path {
        Path::Root => Some(Vec::new()),
        Path::Seq { .. } => None,
        Path::Map { parent, key } => {
            let mut names = names(parent)?;
            names.push(key.clone());
            Some(names)
        }
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => names(parent),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Order {
        #[serde(alias = "amount_cents")]
        amount: u32,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
        address: Option<Address>,
        lines: BTreeMap<String, Line>,
        status: Status,
        history: Vec<Line>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Address {
        city: String,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Line {
        pieces: u32,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Status {
        Open { since: u32 },
        Closed,
    }

    fn stored() -> Value {
        json!({
            "amount": 5, "note": "soon", "currency": "EUR", "gift": {"wrap": true}, "status": {"Open": {"since": 3}},
            "address": {"city": "Rome", "floor": 4}, "history": [],
            "lines": {"tea": {"pieces": 1, "unit": "g"}, "jam": {"pieces": 2, "unit": "kg"}}
        })
    }

    fn rewritten(stored: &Value, change: impl FnOnce(&mut Order)) -> Value {
        let (mut order, unknown): (Order, _) = UnknownFields::read(&stored.to_string()).unwrap();
        change(&mut order);
        serde_json::from_str(&unknown.write(&order).unwrap()).unwrap()
    }

    #[test]
    fn unknown_fields_are_kept_in_the_row_and_in_what_stays_of_it() {
        let written = rewritten(&stored(), |order| {
            order.amount = 6;
            order.note = None;
            order.status = Status::Closed;
            order.lines.remove("jam");
        });
        let expected = json!({
            "amount": 6, "currency": "EUR", "gift": {"wrap": true}, "status": "Closed",
            "address": {"city": "Rome", "floor": 4}, "history": [], "lines": {"tea": {"pieces": 1, "unit": "g"}}
        });
        assert_eq!(written, expected);
    }

    #[test]
    fn what_a_row_loses_takes_its_unknown_fields_along() {
        let written = rewritten(&stored(), |order| order.address = None);
        assert_eq!(written["address"], Value::Null);
    }

    #[test]
    fn a_field_that_is_known_by_another_name_is_no_unknown_field() {
        let mut old = stored();
        let fields = old.as_object_mut().unwrap();
        let amount = fields.remove("amount").unwrap();
        fields.insert("amount_cents".to_owned(), amount);
        assert_eq!(rewritten(&old, |_| {}), stored());
    }

    #[test]
    fn a_state_with_no_unknown_field_is_written_as_the_row_is() {
        let state = r#"{"amount":1,"address":null,"lines":{},"status":"Closed","history":[{"pieces":1}]}"#;
        let (order, unknown): (Order, _) = UnknownFields::read(state).unwrap();
        assert_eq!((&unknown, unknown.write(&order).unwrap().as_str()), (&UnknownFields::default(), state));
        assert!(UnknownFields::read::<Order>(&format!("{state} {{}}")).is_err());
    }
}
