//! Texts that people write, on one line: names and postal addresses.
//!
//! What must hold: a [`Name`] and an [`AddressLine`] show what they contain. They have no control characters, no line
//! breaks and nothing invisible that reorders or hides other characters; they are checked when they are made.

use crate::macros::text;

text! {
    /// The name of a product, a dealer or a customer: 1 to 200 characters on one line.
    Name, "a name", 200
}
text! {
    /// What something is, for those who look at it: one line of 1 to 500 characters.
    Description, "a description", 500
}
text! {
    /// Street, number and town: 1 to 500 characters on one line.
    AddressLine, "an address", 500
}

/// A text that is empty, too long, or has characters that can't be seen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind} has 1 to {length_max} characters on one line, none of them invisible")]
pub struct BadText {
    kind: &'static str,
    length_max: usize,
}

/// The characters that no text has: those of Unicode's categories Cc, Cf, Zl and Zp. Two are left out, which words of
/// Persian and several Indian languages need: the joiners U+200C and U+200D.
const INVISIBLE: [(char, char); 22] = [
    ('\u{0}', '\u{1f}'),
    ('\u{7f}', '\u{9f}'),
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200b}'),
    ('\u{200e}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{13430}', '\u{13438}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e007f}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
];

/// The two joiners: each between characters that can be seen.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

fn is_invisible(character: char) -> bool {
    INVISIBLE.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

pub(crate) fn check(kind: &'static str, length_max: usize, text: &str) -> Result<(), BadText> {
    let shows = text.chars().any(|character| !character.is_whitespace() && !JOINERS.contains(&character));
    let good = shows && text.chars().count() <= length_max && !text.chars().any(is_invisible);
    if good { Ok(()) } else { Err(BadText { kind, length_max }) }
}

/// Returns what [`check`] accepts as a regular expression, besides the length.
pub(crate) fn pattern() -> String {
    let written = |character: char| match u32::from(character) {
        code @ ..=0xffff => format!("\\u{code:04x}"),
        _ => character.to_string(),
    };
    let invisible: String =
        INVISIBLE.iter().map(|(first, last)| format!("{}-{}", written(*first), written(*last))).collect();
    let joiners: String = JOINERS.map(written).concat();
    format!("^[^{invisible}]*[^{invisible}{joiners}\\s][^{invisible}]*$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_shows_what_it_contains() {
        for good in
            ["tea", " Earl Grey ", "Thé à la menthe", "可愛い", "می\u{200c}خواهم", "👩\u{200d}🚀", &"x".repeat(200)]
        {
            assert_eq!(good.parse::<Name>().unwrap().as_str(), good);
            assert!(serde_json::from_value::<AddressLine>(good.into()).is_ok(), "{good:?}");
        }
        let marks = "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}";
        let others = "\0\n\r\t\u{7f}\u{85}\u{ad}\u{200b}\u{2028}\u{2029}\u{2060}\u{feff}\u{e0041}";
        for bad in marks.chars().chain(others.chars()).map(|mark| format!("1 Hill{mark} Road")) {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<AddressLine>(bad.clone().into()).is_err(), "{bad:?}");
        }
        for bad in ["", " ", "\u{3000}", "\u{200d}", " \u{200c} ", &"x".repeat(201)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }
}
