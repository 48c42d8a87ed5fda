//! The fingerprint of a death: the same for every message that died of the same cause, so that an operator repairs them
//! together.

/// The most words of an error that go into a fingerprint: enough to tell causes apart.
const WORDS_MAX: usize = 12;
/// The longest word, in bytes: longer ones are data, such as an encoded id.
const WORD_BYTES_MAX: usize = 32;

/// Returns what messages that died of the same cause at a service have in common:
/// `<service>/<message>/<reason>/<words of the error>`. It has at most 12 words, and nothing that differs from one
/// message to the next: neither ids, numbers nor quoted words.
pub(crate) fn fingerprint(service: &str, message: &str, reason: &str, detail: &str) -> String {
    let unquoted = without_quotes(detail);
    let words = unquoted.split_whitespace().filter(|word| !is_data(word)).flat_map(parts_of);
    let words: Vec<String> = words.take(WORDS_MAX).collect();
    format!("{service}/{message}/{reason}/{}", words.join("-"))
}

/// Returns a text without what it quotes. An opening quote without a closing one quotes all that follows; an apostrophe
/// quotes nothing.
fn without_quotes(text: &str) -> String {
    let (mut kept, mut before, mut chars) = (String::new(), ' ', text.chars());
    while let Some(char) = chars.next() {
        let begins_word = !before.is_alphanumeric();
        before = char;
        match char {
            '"' | '`' => skip_quoted(&mut chars, char),
            '\'' if begins_word && chars.as_str().contains('\'') => skip_quoted(&mut chars, char),
            _ => {
                kept.push(char);
                continue;
            }
        }
        kept.push(' ');
    }
    kept
}

/// Skips to behind the closing quote. A backslash escapes what follows it.
fn skip_quoted(chars: &mut std::str::Chars<'_>, quote: char) {
    while let Some(char) = chars.next() {
        match char {
            '\\' => drop(chars.next()),
            _ if char == quote => return,
            _ => {}
        }
    }
}

/// Whether a word differs from one message to the next: it has a digit, as ids and numbers have, or is an address, or is
/// longer than words are.
fn is_data(word: &str) -> bool {
    word.contains(|char: char| char.is_numeric() || char == '@') || word.len() > WORD_BYTES_MAX
}

/// Returns the letters of a word, in lower case: `no-such_file:` as `no`, `such`, `file`.
fn parts_of(word: &str) -> impl Iterator<Item = String> {
    let parts = word.split(|char: char| !char.is_alphabetic()).filter(|part| part.len() > 1);
    parts.map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(detail: &str) -> String {
        let fingerprint = fingerprint("payment", "debit", "poison", detail);
        fingerprint.strip_prefix("payment/debit/poison/").unwrap().to_owned()
    }

    /// Returns the errors of one cause for an order, a customer and a number.
    fn errors(id: &str, name: &str, number: u64) -> Vec<String> {
        let json = |text: String| serde_json::from_str::<std::collections::BTreeMap<u8, u8>>(&text).unwrap_err();
        let panicked = std::panic::catch_unwind(|| panic!("order {id} of {name:?} has {number} pieces")).unwrap_err();
        vec![
            format!("the payload is unreadable: {}", json(format!("\"{}\"", name.repeat(40_000)))),
            format!("the payload is unreadable: {}", json(format!("{{\"{name}\": 1}}"))),
            format!("the payload is unreadable: {}", json("{\"1\": ".to_owned() + &" ".repeat(number as usize))),
            format!("unknown variant `{name}`, expected one of `a`, `b` at line 1 column {number}"),
            panicked.downcast_ref::<String>().unwrap().clone(),
            format!("assertion `left == right` failed: stock of {name:?}\n  left: {number}\n right: {}", number + 1),
            format!("row {name:?} of stock is unreadable: missing field `{name}` at line 1 column {number}"),
            format!("UNIQUE constraint failed: payment.order_id (order={id})"),
            format!(
                "permanent error ({number}): <{}@example.com>: Recipient address rejected: User unknown",
                name.replace(' ', ".")
            ),
            format!("expired: its deadline was 2026-01-01T00:00:{:02}Z", number % 60),
            format!("it waited for payment \"{id}\""),
            format!("customer '{name}' isn't known, and its order {id}/{number} can't be paid"),
            format!("an unclosed quote: \"{name} {id}"),
        ]
    }

    #[test]
    fn errors_of_one_cause_have_one_fingerprint_whatever_they_are_about() {
        let first = errors("0193a1b2-7c4d-7e8f-9a0b-1c2d3e4f5a6b", "ada", 7);
        for (id, name, number) in [
            ("0193a1b2-ffff-7abc-8def-aaaaaaaaaaaa", "grace hopper", 12),
            ("01JD7Q9YV2ZK8", "Zoë \\\\ said", 40_000),
            ("7", "it is", 1),
        ] {
            for (one, other) in first.iter().zip(errors(id, name, number)) {
                assert_eq!(class(one), class(&other), "{one}\n{other}");
            }
        }
    }

    #[test]
    fn errors_of_different_causes_have_different_fingerprints() {
        let causes: std::collections::BTreeSet<_> = errors("7", "ada", 7).iter().map(|detail| class(detail)).collect();
        assert!(causes.len() >= errors("7", "ada", 7).len() - 1, "{causes:#?}");
        assert_eq!(class("the SMTP server said: no"), "the-smtp-server-said-no");
    }

    #[test]
    fn fingerprint_is_short_whatever_the_error_is() {
        for detail in ["x".repeat(40_000), "word ".repeat(40_000), "ÄÖ-".repeat(40_000), "\"".repeat(40_001)] {
            assert!(class(&detail).len() <= WORDS_MAX * (WORD_BYTES_MAX + 1), "{}", class(&detail).len());
        }
    }
}
