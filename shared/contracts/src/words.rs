//! Words that people choose: the code of a product, the name of a zone.
//!
//! What must hold: every [`Sku`] and [`Zone`] can be part of a subject and of a path; they are checked when they are
//! made.

use crate::macros::word;

word! {
    /// The code of a product: 1 to 64 of `a-z`, `0-9` and `-`.
    Sku
}
word! {
    /// A zone in which dealers deliver: 1 to 64 of `a-z`, `0-9` and `-`.
    Zone
}

/// The longest word, in characters.
pub const WORD_LENGTH_MAX: usize = 64;

/// What [`check`] accepts.
pub(crate) const PATTERN: &str = "^[a-z0-9-]{1,64}$";

/// A word that is empty, too long, or has other characters than it may.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {kind} is 1 to {WORD_LENGTH_MAX} of a-z, 0-9 and '-'")]
pub struct BadWord {
    kind: String,
}

pub(crate) fn check(kind: &str, text: &str) -> Result<(), BadWord> {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
    if (1..=WORD_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(())
    } else {
        Err(BadWord { kind: kind.to_lowercase() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_checked_in_text_and_in_json() {
        let longest = "a".repeat(WORD_LENGTH_MAX);
        let too_long = "a".repeat(WORD_LENGTH_MAX + 1);
        for good in ["tea", "kettle-2", longest.as_str()] {
            assert_eq!(good.parse::<Sku>().unwrap().as_str(), good);
            assert!(serde_json::from_value::<Zone>(good.into()).is_ok());
        }
        for bad in ["", "Tea", "a.b", "a b", "*", ">", "té", too_long.as_str()] {
            assert!(bad.parse::<Sku>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<Zone>(bad.into()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_error_of_a_bad_word_names_what_is_allowed() {
        assert_eq!("Tea".parse::<Sku>().unwrap_err().to_string(), "a sku is 1 to 64 of a-z, 0-9 and '-'");
    }
}
