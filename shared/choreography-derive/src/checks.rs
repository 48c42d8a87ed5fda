//! Checks of names, versions and keys.

use syn::{Data, DeriveInput, Error, Fields, LitInt, LitStr, Member, Result, Type};

/// Keywords of SQL that one might name a table by.
const SQL_KEYWORDS: [&str; 12] = [
    "case",
    "check",
    "column",
    "default",
    "group",
    "index",
    "limit",
    "order",
    "set",
    "table",
    "transaction",
    "trigger",
];

/// Checks that a message's name is in kebab case: it becomes a token of subjects.
pub(crate) fn kebab_case(name: &LitStr) -> Result<()> {
    let text = name.value();
    if is_words(&text, '-') {
        return Ok(());
    }
    let problem = format!("`{text}` is not in kebab case: write lower-case letters, digits and single dashes");
    Err(Error::new(name.span(), suggested(problem, &text, '-')))
}

/// Checks that a table's name is in snake case: it is written in SQL without quotes.
pub(crate) fn snake_case(table: &LitStr) -> Result<()> {
    let text = table.value();
    if SQL_KEYWORDS.contains(&text.as_str()) {
        let text = format!("`{text}` is a keyword of SQL, which can't name a table: write its plural");
        return Err(Error::new(table.span(), text));
    }
    if is_words(&text, '_') {
        return Ok(());
    }
    let problem = format!("`{text}` is not in snake case: write lower-case letters, digits and single underscores");
    Err(Error::new(table.span(), suggested(problem, &text, '_')))
}

/// Whether a text is made of words of `a-z` and `0-9` with one separator between them, and begins with a letter.
fn is_words(text: &str, separator: char) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.starts_with(|first: char| first.is_ascii_lowercase()) && text.split(separator).all(is_word)
}

/// Returns the problem, with the name as it should be if that can be guessed.
fn suggested(problem: String, text: &str, separator: char) -> String {
    let mut guess = String::new();
    for character in text.chars() {
        let between = !character.is_ascii_alphanumeric();
        if (between || character.is_ascii_uppercase()) && !guess.is_empty() && !guess.ends_with(separator) {
            guess.push(separator);
        }
        if !between {
            guess.push(character.to_ascii_lowercase());
        }
    }
    let guess = guess.trim_end_matches(separator);
    if is_words(guess, separator) { format!("{problem}, such as \"{guess}\"") } else { problem }
}

/// Checks that a version counts from 1.
pub(crate) fn version(version: &LitInt) -> Result<()> {
    match version.base10_parse::<u32>() {
        Ok(1..) => Ok(()),
        _ => Err(Error::new(version.span(), "`version` is a whole number from 1")),
    }
}

/// Checks that a type has no parameters: there is one message of a name, and one table.
pub(crate) fn no_parameters(input: &DeriveInput, derive: &str) -> Result<()> {
    if input.generics.params.is_empty() {
        return Ok(());
    }
    let text = format!("`{derive}` can't be derived for a type with parameters: it has one name for all of them");
    Err(Error::new_spanned(&input.generics, text))
}

/// Returns the type of the field at the end of a path.
///
/// # Errors
/// The type is not a struct, it has no such field, or the path is longer than one field and has no type.
pub(crate) fn field_type(input: &DeriveInput, path: &[Member], explicit: Option<Type>) -> Result<Type> {
    let Data::Struct(data) = &input.data else {
        let text = "a message or command is a struct: its key is one of the fields";
        return Err(Error::new(input.ident.span(), text));
    };
    let first = &path[0];
    let field = data.fields.members().zip(&data.fields).find(|(member, _)| member == first);
    let (_, field) = field.ok_or_else(|| Error::new_spanned(first, no_field(input, first, &data.fields)))?;
    match explicit {
        Some(explicit) => Ok(explicit),
        None if path.len() == 1 => Ok(field.ty.clone()),
        None => {
            let path = path.iter().map(member).collect::<Vec<_>>().join(".");
            let text = format!("the derive can't see the type of `{path}`: write `key = {path}: Type`");
            Err(Error::new_spanned(first, text))
        }
    }
}

fn no_field(input: &DeriveInput, wanted: &Member, fields: &Fields) -> String {
    let known: Vec<String> = fields.members().map(|field| format!("`{}`", member(&field))).collect();
    let known = if known.is_empty() { "it has no fields".to_owned() } else { format!("it has {}", known.join(", ")) };
    format!("`{}` has no field `{}` to be its key: {known}", input.ident, member(wanted))
}

fn member(member: &Member) -> String {
    match member {
        Member::Named(name) => name.to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
