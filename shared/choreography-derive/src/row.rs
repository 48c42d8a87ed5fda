//! `#[derive(Row)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, Result};

use crate::arguments::{Arguments, KeyArgument, Syntax, required};
use crate::checks;
use crate::concerns::concerns;

const ROW: Syntax = Syntax {
    name: "row",
    arguments: &["table", "key", "concerns", "final"],
    example: "#[row(table = \"payment\", key = OrderId)]",
};

/// Returns the implementation of `Row`.
pub(crate) fn row(input: &DeriveInput) -> Result<TokenStream> {
    checks::no_parameters(input, "Row")?;
    let (arguments, ident) = (Arguments::of(input, &ROW)?, &input.ident);
    let table = required(arguments.table, "table", ident.span(), &ROW)?;
    checks::snake_case(&table)?;
    let key = match required(arguments.key, "key", ident.span(), &ROW)? {
        KeyArgument::Type(key) => key,
        KeyArgument::Field(path, _) => return Err(Error::new_spanned(&path[0], "`key` is a type")),
    };
    let concerns = concerns(input, arguments.concerns.as_ref(), None)?;
    let is_final = arguments.is_final.map(|method| {
        quote! {
            fn is_final(&self) -> bool {
                Self::#method(self)
            }
        }
    });
    Ok(quote! {
        #concerns
        #[automatically_derived]
        impl ::choreography::Row for #ident {
            const TABLE: &'static str = #table;
            type Key = #key;
            #is_final
        }
    })
}
