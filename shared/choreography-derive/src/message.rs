//! `#[derive(Message)]` and `#[derive(Command)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Ident, Result, Type};

use crate::arguments::{Arguments, KeyArgument, Syntax, required};
use crate::checks;
use crate::concerns::concerns;

const MESSAGE: Syntax = Syntax {
    name: "message",
    arguments: &["name", "key", "role", "version", "before", "concerns"],
    example: "#[message(name = \"create-payment\", key = order_id, role = step)]",
};

const COMMAND: Syntax = Syntax {
    name: "command",
    arguments: &["name", "key", "row", "version", "concerns"],
    example: "#[command(name = \"confirm-payment\", key = order_id, row = Payment)]",
};

/// Returns the implementation of `Message`.
pub(crate) fn message(input: &DeriveInput) -> Result<TokenStream> {
    checks::no_parameters(input, "Message")?;
    let mut arguments = Arguments::of(input, &MESSAGE)?;
    let role = required(arguments.role.take(), "role", input.ident.span(), &MESSAGE);
    both(implementation(input, arguments, &MESSAGE), role.and_then(|role| marker(&role)))
        .map(|(implementation, role)| implementation(&role))
}

/// Returns the implementations of `Message` and `Command`. A command has the role of a step.
pub(crate) fn command(input: &DeriveInput) -> Result<TokenStream> {
    checks::no_parameters(input, "Command")?;
    let mut arguments = Arguments::of(input, &COMMAND)?;
    let row: Result<Type> = required(arguments.row.take(), "row", input.ident.span(), &COMMAND);
    let (implementation, row) = both(implementation(input, arguments, &COMMAND), row)?;
    let (ident, message) = (&input.ident, implementation(&quote!(Step)));
    Ok(quote! {
        #message
        #[automatically_derived]
        impl ::choreography::Command for #ident {
            type Row = #row;
        }
    })
}

/// Returns a function from the role's marker to the implementation of `Message`.
fn implementation(
    input: &DeriveInput,
    arguments: Arguments,
    syntax: &Syntax,
) -> Result<impl Fn(&TokenStream) -> TokenStream + use<>> {
    let at = input.ident.span();
    let name = required(arguments.name, "name", at, syntax).and_then(|name| checks::kebab_case(&name).map(|()| name));
    let key = required(arguments.key, "key", at, syntax).and_then(|key| match key {
        KeyArgument::Field(path, explicit) => Ok((checks::field_type(input, &path, explicit)?, path)),
        KeyArgument::Type(key) => Err(Error::new_spanned(key, "`key` is a field")),
    });
    let (name, (key_type, path)) = both(name, key)?;
    let (version, concerns) = (arguments.version, concerns(input, arguments.concerns.as_ref(), Some(&key_type))?);
    version.iter().try_for_each(checks::version)?;
    let (ident, version) = (input.ident.clone(), version.map(|version| quote!(const VERSION: u32 = #version;)));
    let before = arguments.before.map(|before| {
        quote! {
            fn versions() -> ::std::vec::Vec<u32> {
                let mut versions = <#before as ::choreography::Message>::versions();
                versions.push(<Self as ::choreography::Message>::VERSION);
                versions
            }
            fn read_earlier<'de, D: ::choreography::serde::Deserializer<'de>>(
                version: u32,
                payload: D,
            ) -> ::core::result::Result<Self, ::choreography::ReadError> {
                ::choreography::bounds::read_before::<#before, Self, D>(version, payload)
            }
        }
    });
    Ok(move |role: &TokenStream| {
        quote! {
            #[automatically_derived]
            impl ::choreography::Message for #ident {
                const NAME: &'static str = #name;
                #version
                type Role = ::choreography::role::#role;
                type Key = #key_type;
                fn key(&self) -> Self::Key {
                    ::core::clone::Clone::clone(&self.#(#path).*)
                }
                fn payload_schema() -> ::core::option::Option<::choreography::PayloadSchema> {
                    #[allow(unused_imports)]
                    use ::choreography::bounds::Undescribed as _;
                    ::choreography::bounds::PayloadOf::<Self>::schema()
                }
                #before
            }
            #concerns
        }
    })
}

fn marker(role: &Ident) -> Result<TokenStream> {
    match role.to_string().as_str() {
        "step" => Ok(quote!(Step)),
        "event" => Ok(quote!(Event)),
        "compensation" => Ok(quote!(Compensation)),
        _ => {
            let text = format!("`{role}` is not a role: write `step`, `event` or `compensation`");
            Err(Error::new(role.span(), text))
        }
    }
}

/// Returns both results, or the errors of both.
fn both<A, B>(first: Result<A>, second: Result<B>) -> Result<(A, B)> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(mut first), Err(second)) => {
            first.combine(second);
            Err(first)
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}
