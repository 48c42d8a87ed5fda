//! Texts that are nearly an example, in the ways in which texts of programs go wrong.

use crate::draw::Draw;

/// Numbers at the ends of their types, and some that are written as no number is.
const NUMBERS: [&str; 24] = [
    "0",
    "-1",
    "1",
    "+5",
    "00",
    "255",
    "256",
    "65536",
    "2147483648",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "1e400",
    "-0",
    "0.1",
    "NaN",
    "0x10",
    "1_000",
];

/// What means something to a parser.
const PIECES: [&str; 40] = [
    ".", "*", ">", "/", "//", "..", "-", ":", ",", ";", "=", "&", "?", "%", "%00", "%2e%2e", "%C3%28", "+", "\"", "'",
    "\\", "{", "}", "[", "]", "<", " ", "\t", "\n", "\r\n", "\0", "\u{7f}", "é", "İ", "ß", "\u{feff}", "\u{2028}",
    "\u{200b}", "😀", "null",
];

/// Moments at the ends of what is a moment, and some that are none.
const MOMENTS: [&str; 9] = [
    "-009999-01-02T01:59:59Z",
    "9999-12-30T22:00:00.999999999Z",
    "9999-12-31T23:59:59Z",
    "1969-12-31T23:59:59.9Z",
    "2026-01-01T00:00:00+25:59",
    "2026-02-29T00:00:00Z",
    "2016-12-31T23:59:60Z",
    "2026-01-01T00:00:00Z[Europe/Paris]",
    "2026-01-01 00:00Z",
];

/// How often a piece is repeated at most, when a text is made long.
const REPEATED_MAX: usize = 2_000;

/// Returns a text that is nearly an example, or the example.
pub(crate) fn text(example: &str, draw: &mut Draw<'_>) -> String {
    let mut text = example.to_owned();
    for _ in 0..draw.below(3) + usize::from(!draw.once_in(8)) {
        text = changed(&text, draw);
    }
    text
}

fn changed(text: &str, draw: &mut Draw<'_>) -> String {
    let boundary = |at: usize| text.floor_char_boundary(at);
    let (one, other) = (boundary(draw.below(text.len() + 1)), boundary(draw.below(text.len() + 1)));
    let (from, to) = (one.min(other), one.max(other));
    match draw.below(12) {
        0 => format!("{}{}{}", &text[..from], draw.word(&PIECES), &text[from..]),
        1 => format!("{}{}{}", &text[..from], draw.word(&PIECES), &text[to..]),
        2 => format!("{}{}", &text[..from], &text[to..]),
        3 => format!("{}{}{}", &text[..to], &text[from..to], &text[to..]),
        4 => draw.word(&NUMBERS).to_owned(),
        5 => number(text, draw),
        6 => text[..from].to_owned(),
        7 => text.to_uppercase(),
        8 => format!("{}{}", &text[..from], draw.word(&PIECES).repeat(draw.below(REPEATED_MAX))),
        9 => draw.word(&MOMENTS).to_owned(),
        10 => text.chars().rev().collect(),
        _ => String::new(),
    }
}

/// Replaces one number in a text.
fn number(text: &str, draw: &mut Draw<'_>) -> String {
    let is_digit = |char: char| char.is_ascii_digit();
    let starts: Vec<usize> =
        text.match_indices(is_digit).map(|(at, _)| at).filter(|at| !text[..*at].ends_with(is_digit)).collect();
    if starts.is_empty() {
        return text.to_owned();
    }
    let start = *draw.one(&starts);
    let end = text[start..].find(|char| !is_digit(char)).map_or(text.len(), |length| start + length);
    format!("{}{}{}", &text[..start], draw.word(&NUMBERS), &text[end..])
}

/// Returns the text of a number at the end of a type.
pub(crate) fn extreme_number(draw: &mut Draw<'_>) -> &'static str {
    draw.word(&NUMBERS)
}
