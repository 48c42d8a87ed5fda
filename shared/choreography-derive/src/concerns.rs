//! `concerns = field`: the rows of other keys that a message, command or row is about.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Error, GenericArgument, Ident, Member, PathArguments, Result, Type};

use crate::checks;

/// Returns the implementation of `Concerns` for the keys in a field: one key, or an `Option` or `Vec` of keys. A message
/// has a key of its own, for which it has the implementation already.
///
/// # Errors
/// The type has no such field, or the keys in it are of the type of its own key.
pub(crate) fn concerns(input: &DeriveInput, field: Option<&Ident>, own_key: Option<&Type>) -> Result<TokenStream> {
    let Some(field) = field else { return Ok(TokenStream::new()) };
    let field_type = checks::field_type(input, &[Member::Named(field.clone())], None)?;
    let (key, keys) = match elements(&field_type) {
        Some(key) => (key, quote!(self.#field.iter().cloned().collect())),
        None => (&field_type, quote!(::std::vec![::core::clone::Clone::clone(&self.#field)])),
    };
    if own_key.is_some_and(|own| quote!(#own).to_string() == quote!(#key).to_string()) {
        let key = quote!(#key);
        let text = format!(
            "a message concerns the row of its own `key`, and no other one with a key of that type, `{key}`: give the \
             other rows a key type of their own, such as a newtype"
        );
        return Err(Error::new_spanned(field, text));
    }
    let ident = &input.ident;
    Ok(quote! {
        #[automatically_derived]
        impl ::choreography::Concerns<#key> for #ident {
            fn concerns(&self) -> ::std::vec::Vec<#key> {
                #keys
            }
        }
    })
}

/// Returns `K` of `Option<K>` and `Vec<K>`.
fn elements(field_type: &Type) -> Option<&Type> {
    let Type::Path(path) = field_type else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Option" || last.ident == "Vec")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.first() {
        Some(GenericArgument::Type(element)) => Some(element),
        _ => None,
    }
}
