//! The messages and the rows of the shop: what is read is written as it was.

use std::collections::BTreeMap;

use choreography::{Message, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_slice, to_vec};
use shop_in_memory::{Kinds, Release, releases};

use crate::bytes::Bytes;
use crate::json::json;
use crate::target::{Case, Started};

type Check = fn(&[u8]);
type Checks = BTreeMap<&'static str, Check>;

/// Checks that what is read of a type is written so that it is read as the same.
fn round_trip<T: Serialize + DeserializeOwned>(json: &[u8]) {
    let Ok(read) = from_slice::<T>(json) else { return };
    let written = to_vec(&read).expect("what was read can be written");
    let again: T = from_slice(&written).unwrap_or_else(|error| panic!("{error}: {:?}", Bytes(written.clone())));
    assert_eq!(Bytes(to_vec(&again).expect("it was written before")), Bytes(written));
}

/// Checks what is read of messages and of rows.
struct RoundTrip;

impl Kinds for RoundTrip {
    type Message = Check;
    type Row = Check;

    fn message<M: Message>() -> Check {
        |payload| {
            let read = M::versions().into_iter().filter_map(|version| M::read(version, payload).ok());
            read.for_each(|message| assert!(!message.key().to_string().is_empty()));
            round_trip::<M>(payload);
        }
    }

    fn row<S: Row>() -> Check {
        round_trip::<S>
    }
}

/// Messages that are read are written as they were.
pub(crate) fn messages() -> Box<dyn Started> {
    start(|release| release.messages, &shop_in_memory::messages::<RoundTrip>())
}

/// Rows that are read are written as they were.
pub(crate) fn rows() -> Box<dyn Started> {
    start(|release| release.rows, &shop_in_memory::rows::<RoundTrip>())
}

/// Starts a target of what every release wrote. A message's kind ends in its version.
fn start(part: fn(Release) -> BTreeMap<String, Vec<Value>>, checks: &Checks) -> Box<dyn Started> {
    let kinds = releases().into_values().flat_map(part);
    let examples: Vec<(&'static str, Check, Value)> = kinds
        .flat_map(|(kind, values)| {
            let name = kind.split('.').next().unwrap_or_default();
            let (name, check) = checks.get_key_value(name).unwrap_or_else(|| panic!("{name} has no check"));
            let (name, check) = (*name, *check);
            values.into_iter().map(move |value| (name, check, value))
        })
        .collect();
    Case::of(
        move |draw| {
            let (name, check, example) = draw.one(&examples);
            (*name, *check, json(example, draw))
        },
        || Box::new(|(_, check, json): &(&str, Check, Bytes)| check(json)),
    )
}
