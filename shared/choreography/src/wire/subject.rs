//! Subjects of the message server: tokens between dots, `*` for any one of them, `>` for all that remain.

use memchr::{memchr, memrchr};

/// The metadata that marks a consumer as one of a service of the choreography, as name and value.
#[cfg_attr(not(feature = "jetstream"), allow(dead_code, reason = "only a server has metadata"))]
pub(crate) const SUBSCRIBER: (&str, &str) = ("choreography", "subscriber");

/// The longest key, in bytes: it is part of subjects and headers, and a server does not take long subjects.
pub(crate) const KEY_BYTES_MAX: usize = 256;

/// A text that cannot be a key, because it cannot be a token of a subject.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{start:?} cannot be a key: a key has 1 to {KEY_BYTES_MAX} bytes and no dots, wildcards, blanks or control characters"
)]
#[non_exhaustive]
pub struct InvalidKey {
    /// The first 40 characters of the text.
    pub start: String,
}

/// Checks that a key can be one token of a subject.
///
/// # Errors
/// [`InvalidKey`] if it is empty, longer than [`KEY_BYTES_MAX`], or has a dot, a wildcard, a blank or a control
/// character: the subject would mean something else, or the server would not take it.
pub(crate) fn check_key(key: &str) -> Result<(), InvalidKey> {
    // Most keys are plain: their bytes need not be decoded, and are looked at many at once.
    let is_plain = |all, byte: u8| all & (byte.is_ascii_alphanumeric() | (byte == b'-'));
    let is_forbidden = |char: char| matches!(char, '.' | '*' | '>') || char.is_whitespace() || char.is_control();
    let is_allowed = key.bytes().fold(true, is_plain) || !key.contains(is_forbidden);
    if key.is_empty() || key.len() > KEY_BYTES_MAX || !is_allowed {
        return Err(InvalidKey { start: key.chars().take(40).collect() });
    }
    Ok(())
}

/// Returns the first token of a subject, and what stands behind it; none if that is its only token.
pub(crate) fn split_token(subject: &str) -> Option<(&str, &str)> {
    let dot = memchr(b'.', subject.as_bytes())?;
    Some((&subject[..dot], &subject[dot + 1..]))
}

/// Returns what stands before the last token of a subject, and that token; none if it is the only one.
pub(crate) fn split_last_token(subject: &str) -> Option<(&str, &str)> {
    let dot = memrchr(b'.', subject.as_bytes())?;
    Some((&subject[..dot], &subject[dot + 1..]))
}

/// Whether a message can be published under a subject: it is not empty, and has neither empty tokens nor wildcards,
/// blanks or control characters.
pub(crate) fn is_publishable(subject: &str) -> bool {
    let is_allowed = |byte: u8| byte > b' ' && !matches!(byte, b'*' | b'>' | 0x7f);
    subject.bytes().all(is_allowed) && subject.split('.').all(|token| !token.is_empty())
}

/// Whether a subject matches a filter.
pub(crate) fn matches(filter: &str, subject: &str) -> bool {
    let is_dot = |byte: &u8| *byte == b'.';
    let (mut wanted, mut tokens) = (filter.as_bytes().split(is_dot), subject.as_bytes().split(is_dot));
    loop {
        match (wanted.next(), tokens.next()) {
            (Some(b">"), Some(_)) => return true,
            (Some(want), Some(token)) if want == b"*" || want == token => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_the_server_does() {
        for (filter, subject, wanted) in [
            ("order.*.*", "order.create-payment.o1", true),
            ("order.*.*", "order.create-payment", false),
            ("order.*.*", "order.create-payment.o1.x", false),
            ("order.cancel-payment.*", "delivery.cancel-payment.o1", false),
            ("dead.>", "dead.payment.debit.o1", true),
            ("dead.>", "dead", false),
            (">", "a", true),
            ("a.b", "a.b", true),
        ] {
            assert_eq!(matches(filter, subject), wanted, "{filter} {subject}");
        }
    }

    #[test]
    fn a_subject_with_a_token_that_is_none_is_not_publishable() {
        assert!(is_publishable("order.create-payment.o1") && is_publishable("order.create.ö"));
        for subject in ["", ".", "order..o1", "order.create.", "order.cre ate.o1", "order.*.o1", "order.>", "o\t.a.b"] {
            assert!(!is_publishable(subject), "{subject:?}");
        }
    }

    #[test]
    fn keys_that_are_not_one_token_are_refused() {
        assert_eq!(check_key("0190-ab"), Ok(()));
        assert_eq!(check_key(&"k".repeat(KEY_BYTES_MAX)), Ok(()));
        for key in ["", "*", ">", "a.b", "a b", "a\r\nPUB", "o*", &"k".repeat(KEY_BYTES_MAX + 1)] {
            assert!(check_key(key).is_err(), "{key:?}");
        }
    }
}
