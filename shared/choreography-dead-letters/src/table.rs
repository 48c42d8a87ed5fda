//! Text for a terminal: aligned columns, and nothing that a terminal would take for a command.

use std::fmt::{self, Display, Formatter};

/// What stands between two columns.
const GAP: &str = "  ";

/// Rows under a head; numbers are aligned on the right.
pub(crate) struct Table {
    head: Vec<&'static str>,
    numbers: &'static [&'static str],
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns, of which those are numbers.
    pub(crate) fn new(head: &[&'static str], numbers: &'static [&'static str]) -> Self {
        Self { head: head.to_vec(), numbers, rows: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| plain(cell)).collect());
    }

    fn line<'a>(&self, f: &mut Formatter<'_>, widths: &[usize], cells: impl Iterator<Item = &'a str>) -> fmt::Result {
        let cells = self.head.iter().zip(widths).zip(cells).map(|((head, width), cell)| {
            if self.numbers.contains(head) { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
        });
        writeln!(f, "{}", cells.collect::<Vec<_>>().join(GAP).trim_end())
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.chain([self.head[column].chars().count()]).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        self.line(f, &widths, self.head.iter().copied())?;
        self.rows.iter().try_for_each(|row| self.line(f, &widths, row.iter().map(String::as_str)))
    }
}

/// A text in one line, without anything that would move the cursor: what died may have been meant to.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// A text that is cut off where it gets too long for a column.
pub(crate) fn cut(text: &str, letters_max: usize) -> String {
    if text.chars().count() <= letters_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(letters_max.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A number of things, as people write it: `1 letter`, `1,234 dead_letters`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    let digits = count.to_string();
    let grouped = digits.char_indices().fold(String::new(), |mut grouped, (place, digit)| {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
        grouped
    });
    format!("{grouped} {thing}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let mut table = Table::new(&["LETTER", "WHY"], &["LETTER"]);
        table.row(vec!["7".to_owned(), "ink\u{1b}[2J".to_owned()]);
        assert_eq!(table.to_string(), "LETTER  WHY\n     7  ink [2J\n");
    }

    #[test]
    fn numbers_are_written_as_people_do() {
        for (count, text) in [
            (0, "0 dead letters"),
            (1, "1 dead letter"),
            (999, "999 dead letters"),
            (1_234_567, "1,234,567 dead letters"),
        ] {
            assert_eq!(counted(count, "dead letter"), text);
        }
        assert_eq!((cut("abcdef", 4).as_str(), cut("abcd", 4).as_str()), ("abc…", "abcd"));
    }
}
