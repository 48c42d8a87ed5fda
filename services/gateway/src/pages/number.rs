//! Numbers as people read them: with a comma between thousands, as amounts of money have it.

/// Returns a number.
pub(super) fn thousands(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1_000), number % 1_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated_as_in_amounts() {
        for (number, text) in [(0, "0"), (999, "999"), (1_000, "1,000"), (10_005, "10,005"), (1_234_567, "1,234,567")] {
            assert_eq!(thousands(number), text);
        }
    }
}
