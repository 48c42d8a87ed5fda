//! Fields of forms, and what is wrong with them, said beside each.
//!
//! What must hold: what a person wrote is still there when something is wrong with it.

use std::fmt::Display;
use std::str::FromStr;

use maud::{Markup, html};

use super::fault::sentence;

/// What is wrong in a form: the names of its fields, in their order on the page, each with a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wrong(Vec<(&'static str, String)>);

impl Wrong {
    /// Whether nothing is wrong.
    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds what is wrong with a field.
    pub(super) fn add(&mut self, name: &'static str, detail: impl Display) {
        self.0.push((name, sentence(&detail.to_string())));
    }

    /// Returns what is written in a field, without the spaces around it; none, and notes it, if it can't be that.
    pub(super) fn checked<T: FromStr<Err: Display>>(&mut self, name: &'static str, text: &str) -> Option<T> {
        text.trim().parse().map_err(|error| self.add(name, error)).ok()
    }

    /// Returns what is wrong with a field.
    pub(super) fn with(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, detail)| detail.as_str())
    }

    /// Whether it is the first field with which something is wrong: it gets the focus.
    pub(super) fn is_first(&self, name: &str) -> bool {
        self.0.first().is_some_and(|(first, _)| *first == name)
    }

    /// Returns the title of a page with the form: screen readers say it first.
    pub(super) fn title(&self, title: &'static str) -> &'static str {
        if self.is_nothing() { title } else { "Please check what you wrote" }
    }
}

/// A field for one line of text.
pub(super) struct Field<'a> {
    /// Its name in the form, and its id on the page.
    pub name: &'static str,
    pub label: &'static str,
    pub value: &'a str,
    /// What browsers call the kind of its content, as `email`.
    pub kind: &'static str,
    /// What browsers fill it with.
    pub autocomplete: Option<&'static str>,
    /// The largest number of characters.
    pub length_max: usize,
    pub is_required: bool,
    pub hint: Option<&'static str>,
}

impl Default for Field<'_> {
    fn default() -> Self {
        Self {
            name: "",
            label: "",
            value: "",
            kind: "text",
            autocomplete: None,
            length_max: 200,
            is_required: true,
            hint: None,
        }
    }
}

impl Field<'_> {
    /// Returns the field, with what is wrong with it.
    pub(super) fn draw(&self, wrong: &Wrong) -> Markup {
        let Self { name, label, value, kind, autocomplete, length_max, is_required, hint } = *self;
        let (detail, hint_id) = (wrong.with(name), format!("{name}-hint"));
        let described_by = detail.map(|_| wrong_id(name)).or(hint.map(|_| hint_id.clone()));
        html! {
            div.field {
                label for=(name) { (label) }
                input id=(name) name=(name) type=(kind) value=(value) maxlength=(length_max) required[is_required]
                    autocomplete=[autocomplete] autofocus[wrong.is_first(name)]
                    aria-invalid=[detail.map(|_| "true")] aria-describedby=[described_by];
                @if let Some(hint) = hint { p.hint id=(hint_id) { (hint) } }
                (said(name, wrong))
            }
        }
    }
}

/// Returns the id of what is wrong with a field.
pub(super) fn wrong_id(name: &str) -> String {
    format!("{name}-wrong")
}

/// Says what is wrong with a field.
pub(super) fn said(name: &str, wrong: &Wrong) -> Markup {
    html! { @if let Some(detail) = wrong.with(name) { p.wrong id=(wrong_id(name)) { (detail) } } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::Zone;

    #[test]
    fn what_is_wrong_is_said_beside_the_field_which_keeps_its_text_and_has_the_focus() {
        let mut wrong = Wrong::default();
        assert_eq!(wrong.checked::<Zone>("zone", " north "), Some("north".parse().unwrap()));
        assert_eq!(wrong.checked::<Zone>("zone", "<north>"), None);
        let drawn = Field { name: "zone", label: "Zone", value: "<north>", ..Field::default() }.draw(&wrong);
        let drawn = drawn.into_string();
        for part in [
            r#"value="&lt;north&gt;""#,
            r#"aria-invalid="true""#,
            r#"aria-describedby="zone-wrong""#,
            " autofocus",
            r#"<p class="wrong" id="zone-wrong">A zone is 1 to 64 of a-z, 0-9 and '-'.</p>"#,
        ] {
            assert!(drawn.contains(part), "{part}: {drawn}");
        }
    }
}
