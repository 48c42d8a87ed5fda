//! Bytes that are nearly those of an example.

use std::fmt::{self, Debug, Formatter};
use std::ops::Deref;

use crate::draw::Draw;

/// Bytes that show themselves as text, as far as they are.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl Debug for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

impl Bytes {
    /// Returns an example's bytes with some of them changed; sometimes as they are.
    pub(crate) fn near(example: &[u8], draw: &mut Draw<'_>) -> Self {
        let mut bytes = example.to_vec();
        for _ in 0..draw.below(4) {
            change(&mut bytes, draw);
        }
        Self(bytes)
    }
}

fn change(bytes: &mut Vec<u8>, draw: &mut Draw<'_>) {
    let at = draw.below(bytes.len() + 1);
    match draw.below(5) {
        0 => bytes.insert(at, draw.byte()),
        1 => bytes.truncate(at),
        2 => drop(bytes.drain(at..(at + draw.below(8) + 1).min(bytes.len()).max(at))),
        3 => {
            let part = bytes[at..(at + draw.below(64)).min(bytes.len()).max(at)].to_vec();
            bytes.splice(at..at, part);
        }
        _ => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << draw.below(8);
            }
        }
    }
}
