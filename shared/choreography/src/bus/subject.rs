//! NATS subjects: tokens between dots, `*` for any one of them, `>` for all that remain.

use super::BusError;

/// Whether a subject matches a filter.
pub(super) fn matches(filter: &str, subject: &str) -> bool {
    let (mut wanted, mut tokens) = (filter.split('.'), subject.split('.'));
    loop {
        match (wanted.next(), tokens.next()) {
            (Some(">"), Some(_)) => return true,
            (Some(want), Some(token)) if want == "*" || want == token => {}
            (None, None) => return true,
            _ => return false,
        }
    }
}

/// A key as it may stand in a subject.
///
/// # Errors
/// `Refused` if it is empty or would mean something else there: other keys' messages, say.
pub(crate) fn single_token(key: &str) -> Result<&str, BusError> {
    let forbidden = |character: char| matches!(character, '.' | '*' | '>') || character.is_whitespace();
    if key.is_empty() || key.contains(forbidden) || key.contains(char::is_control) {
        return Err(BusError::Refused(format!("{key:?} can't be the key of a message")));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::{matches, single_token};

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
    fn a_key_with_wildcards_or_dots_is_refused() {
        assert_eq!(single_token("0190-ab"), Ok("0190-ab"));
        for key in ["", "*", ">", "a.b", "a b", "a\r\nPUB", "o*"] {
            assert!(single_token(key).is_err(), "{key:?}");
        }
    }
}
