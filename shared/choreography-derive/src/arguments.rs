//! The arguments of `#[message(…)]`, `#[command(…)]` and `#[row(…)]`.

use proc_macro2::Span;
use syn::ext::IdentExt as _;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{DeriveInput, Error, Ident, LitInt, LitStr, Member, Result, Token, Type};

/// One of the three attributes: its name, its arguments, and how it is written.
pub(crate) struct Syntax {
    pub(crate) name: &'static str,
    pub(crate) arguments: &'static [&'static str],
    pub(crate) example: &'static str,
}

/// The arguments that were found, each at most once.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) name: Option<LitStr>,
    pub(crate) table: Option<LitStr>,
    pub(crate) key: Option<KeyArgument>,
    pub(crate) role: Option<Ident>,
    pub(crate) row: Option<Type>,
    pub(crate) version: Option<LitInt>,
    pub(crate) before: Option<Type>,
    pub(crate) concerns: Option<Ident>,
    pub(crate) is_final: Option<Ident>,
}

/// A key: of a message the path of a field, and its type if it is written; of a row a type.
pub(crate) enum KeyArgument {
    Field(Vec<Member>, Option<Type>),
    Type(Type),
}

impl Arguments {
    /// Returns the arguments of the attribute on a type.
    ///
    /// # Errors
    /// The attribute is missing, is there twice, or has an argument that is unknown, repeated or malformed.
    pub(crate) fn of(input: &DeriveInput, syntax: &Syntax) -> Result<Self> {
        let mut attributes = input.attrs.iter().filter(|attribute| attribute.path().is_ident(syntax.name));
        let missing = || Error::new(input.ident.span(), format!("`{}` needs `{}`", input.ident, syntax.example));
        let attribute = attributes.next().ok_or_else(missing)?;
        if let Some(second) = attributes.next() {
            return Err(Error::new_spanned(second, format!("write one `#[{}(…)]` with all arguments", syntax.name)));
        }
        let mut arguments = Self::default();
        if attribute.meta.require_list().is_err() {
            return Err(Error::new_spanned(attribute, format!("write `{}`", syntax.example)));
        }
        attribute.parse_args_with(|input: ParseStream<'_>| arguments.read(input, syntax))?;
        Ok(arguments)
    }

    fn read(&mut self, input: ParseStream<'_>, syntax: &Syntax) -> Result<()> {
        while !input.is_empty() {
            let name: Ident = input.call(Ident::parse_any)?;
            if !syntax.arguments.iter().any(|known| name == known) {
                return Err(unknown(&name, syntax));
            }
            input.parse::<Token![=]>()?;
            self.read_value(&name, input, syntax)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn read_value(&mut self, name: &Ident, input: ParseStream<'_>, syntax: &Syntax) -> Result<()> {
        let of_row = syntax.arguments.contains(&"table");
        match name.to_string().as_str() {
            "name" => once(&mut self.name, name, quoted(input, "name")?),
            "table" => once(&mut self.table, name, quoted(input, "table")?),
            "version" => once(&mut self.version, name, input.parse()?),
            "role" => once(&mut self.role, name, unquoted(input, "role", "a word")?),
            "final" => once(&mut self.is_final, name, unquoted(input, "final", "a method")?),
            "concerns" => once(&mut self.concerns, name, unquoted(input, "concerns", "a field")?),
            "before" => once(&mut self.before, name, unquoted(input, "before", "a type")?),
            "row" => once(&mut self.row, name, unquoted(input, "row", "a type")?),
            _ if of_row => once(&mut self.key, name, KeyArgument::Type(unquoted(input, "key", "a type")?)),
            _ => once(&mut self.key, name, key_field(input)?),
        }
    }
}

fn once<T>(argument: &mut Option<T>, name: &Ident, value: T) -> Result<()> {
    match argument.replace(value) {
        Some(_) => Err(Error::new(name.span(), format!("`{name}` is there twice"))),
        None => Ok(()),
    }
}

fn unknown(name: &Ident, syntax: &Syntax) -> Error {
    let known: Vec<String> = syntax.arguments.iter().map(|known| format!("`{known}`")).collect();
    let text = format!("`#[{}(…)]` has no argument `{name}`: it takes {}", syntax.name, known.join(", "));
    Error::new(name.span(), text)
}

fn quoted(input: ParseStream<'_>, name: &str) -> Result<LitStr> {
    input.parse().map_err(|error: Error| Error::new(error.span(), format!("`{name}` is a text in quotes")))
}

fn unquoted<T: Parse>(input: ParseStream<'_>, name: &str, what: &str) -> Result<T> {
    if let Ok(text) = input.fork().parse::<LitStr>() {
        let text = format!("`{name}` is {what}, without quotes: `{name} = {}`", text.value());
        return Err(Error::new(input.span(), text));
    }
    input.parse()
}

fn key_field(input: ParseStream<'_>) -> Result<KeyArgument> {
    if input.peek(LitStr) {
        unquoted::<Ident>(input, "key", "a field")?;
    }
    let path = Punctuated::<Member, Token![.]>::parse_separated_nonempty(input)?;
    let key_type = if input.parse::<Option<Token![:]>>()?.is_some() { Some(input.parse()?) } else { None };
    Ok(KeyArgument::Field(path.into_iter().collect(), key_type))
}

/// Returns an argument that must be there.
///
/// # Errors
/// It is missing.
pub(crate) fn required<T>(argument: Option<T>, name: &str, at: Span, syntax: &Syntax) -> Result<T> {
    argument.ok_or_else(|| Error::new(at, format!("`{name}` is missing: write `{}`", syntax.example)))
}
