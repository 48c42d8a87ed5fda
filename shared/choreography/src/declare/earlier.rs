//! Payloads of earlier versions of a message.

use serde::Deserializer;

use crate::declare::message::{Message, ReadError};

/// Reads the payload of a version before `M`, which is `B` or one before that. The derive writes it.
///
/// # Errors
/// As [`Message::read`].
pub fn read_before<'de, B, M, D>(version: u32, payload: D) -> Result<M, ReadError>
where
    D: Deserializer<'de>,
    B: Message<Key = M::Key, Role = M::Role>,
    M: Message + From<B>,
{
    const { assert!(is_before::<B, M>(), "`before` is the same message with a lower version") };
    B::read_from(version, payload).map(M::from)
}

/// Whether two types are versions of the same message, the first one lower.
const fn is_before<B: Message, M: Message>() -> bool {
    let (before, name) = (B::NAME.as_bytes(), M::NAME.as_bytes());
    let mut index = 0;
    while index < name.len() && index < before.len() && name[index] == before[index] {
        index += 1;
    }
    index == name.len() && index == before.len() && B::VERSION < M::VERSION
}
