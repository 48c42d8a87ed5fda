//! Text for a terminal: aligned columns, and no control characters.

use std::fmt::{self, Display, Formatter};

use comfy_table::{CellAlignment, ContentArrangement, presets};

/// The number of blanks between two columns.
const GAP: u16 = 2;

/// Rows under a header, in aligned columns without lines between them, so that the output can be filtered line by line.
pub(crate) struct Table(comfy_table::Table);

impl Table {
    /// Returns an empty table with these columns; those in `numbers` are aligned on the right.
    pub(crate) fn new(header: &[&str], numbers: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(header.to_vec());
        for (name, column) in header.iter().zip(table.column_iter_mut()) {
            column.set_padding((0, GAP));
            if numbers.contains(name) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        Self(table)
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.0.add_row(cells.iter().map(|cell| plain(cell)).collect::<Vec<_>>());
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.lines().try_for_each(|line| writeln!(f, "{}", line.trim_end()))
    }
}

/// Returns a text as one line without control characters: a terminal would take some of them for commands.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// Returns a text that is cut off where it gets too long for a column.
pub(crate) fn cut(text: &str, characters_max: usize) -> String {
    if text.chars().count() <= characters_max {
        return text.to_owned();
    }
    let kept: String = text.chars().take(characters_max.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Returns a count with its noun: `1 dead letter`, `1,234 dead letters`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let digits = count.to_string();
    let grouped = digits.char_indices().fold(String::new(), |mut grouped, (index, digit)| {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
        grouped
    });
    format!("{grouped} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_trailing_blanks() {
        let mut table = Table::new(&["NUMBER", "REASON", "DETAIL"], &["NUMBER"]);
        table.row(vec!["7".to_owned(), "poison".to_owned(), "ink\u{1b}[2J\nout".to_owned()]);
        table.row(vec!["12".to_owned(), "exhausted".to_owned(), String::new()]);
        let lines = ["NUMBER  REASON     DETAIL", "     7  poison     ink [2J out", "    12  exhausted"];
        assert_eq!(table.to_string(), lines.map(|line| format!("{line}\n")).concat());
    }

    #[test]
    fn counts_have_separators_and_plurals() {
        for (count, text) in [
            (0, "0 dead letters"),
            (1, "1 dead letter"),
            (999, "999 dead letters"),
            (1_234_567, "1,234,567 dead letters"),
        ] {
            assert_eq!(counted(count, "dead letter"), text);
        }
    }

    #[test]
    fn long_texts_are_cut_off() {
        assert_eq!((cut("abcdef", 4).as_str(), cut("abcd", 4).as_str()), ("abc…", "abcd"));
    }
}
