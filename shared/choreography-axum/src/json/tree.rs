//! A body as a tree of JSON values.
//!
//! What must hold: the same content gives the same tree, whatever its white space, the order of its keys, and whether a
//! whole number is written as `1` or `1.0`.

use std::fmt::{Formatter, Result as FmtResult};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Error, Map, Number, Value};

/// Up to here every whole number is exact as a float, 2^53.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

/// Reads JSON. A key that is twice in an object is an error of its data.
pub(super) fn parse(body: &[u8]) -> Result<Value, Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let mut tree = Tree.deserialize(&mut deserializer)?;
    deserializer.end()?;
    tree.sort_all_objects();
    Ok(tree)
}

struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, f: &mut Formatter<'_>) -> FmtResult {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        // JSON has one kind of number: 2.0 is an integer for JSON Schema, too.
        let is_whole = value.fract() == 0.0 && value.abs() <= WHOLE_MAX;
        Ok(if is_whole { Value::from(value as i64) } else { Number::from_f64(value).into() })
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(Tree)? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Tree)?;
            if object.contains_key(&key) {
                return Err(A::Error::custom(format_args!("duplicate key `{key}`")));
            }
            object.insert(key, value);
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_content_is_the_same_tree_however_it_is_written() {
        let tree = parse(br#"{"a": [1, 2.0, null], "b": {"c": "x", "d": true}}"#).unwrap();
        let other = parse(b"{ \"b\":{\"d\":true,\n\"c\":\"x\"},\"a\":[1.0,2,null] }").unwrap();
        assert_eq!(tree.to_string(), other.to_string());
        for different in [r#"{"a": [2, 1, null]}"#, r#"{"a": ["1", 2, null]}"#, r#"{"a": [1, 2.5, null]}"#] {
            assert_ne!(parse(different.as_bytes()).unwrap(), tree);
        }
    }

    #[test]
    fn a_key_is_once_in_an_object() {
        assert!(parse(br#"{"a": 1, "b": {"c": 1, "c": 2}}"#).unwrap_err().is_data());
        assert!(parse(br#"{"a": 1"#).unwrap_err().is_eof());
        assert!(parse(br#"{"a": 1} 2"#).unwrap_err().is_syntax());
    }
}
