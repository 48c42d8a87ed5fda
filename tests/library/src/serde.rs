//! What serde's derive is told about the types of a crate.

use syn::{Attribute, Item, ItemEnum, Meta};

use crate::source::Library;

impl Library {
    /// Returns the names of the types with an argument in their `#[serde(…)]`.
    pub fn types_with_serde_argument(&self, argument: &str) -> Vec<String> {
        let items = self.modules.values().flatten();
        let types = items.filter_map(|item| match item {
            Item::Struct(item) => Some((&item.ident, &item.attrs)),
            Item::Enum(item) => Some((&item.ident, &item.attrs)),
            _ => None,
        });
        types.filter(|(_, attributes)| has_argument(attributes, argument)).map(|(name, _)| name.to_string()).collect()
    }

    /// Returns the enums that derive `Deserialize`, and whether each reads words that it does not know.
    pub fn deserialized_enums(&self) -> Vec<(String, bool)> {
        let items = self.modules.values().flatten();
        let enums = items.filter_map(|item| match item {
            Item::Enum(item) if derives(&item.attrs, "Deserialize") => Some(item),
            _ => None,
        });
        enums.map(|item| (item.ident.to_string(), is_open(item))).collect()
    }
}

fn is_open(item: &ItemEnum) -> bool {
    item.variants.iter().any(|variant| has_argument(&variant.attrs, "other"))
}

fn has_argument(attributes: &[Attribute], argument: &str) -> bool {
    words(attributes, "serde").any(|word| word == argument)
}

fn derives(attributes: &[Attribute], name: &str) -> bool {
    words(attributes, "derive").any(|word| word == name)
}

/// Returns the words in the lists of an attribute.
fn words(attributes: &[Attribute], name: &str) -> impl Iterator<Item = String> {
    let lists = attributes.iter().filter(move |attribute| attribute.path().is_ident(name));
    let tokens = lists.filter_map(|attribute| match &attribute.meta {
        Meta::List(list) => Some(list.tokens.clone()),
        _ => None,
    });
    tokens.flatten().map(|token| token.to_string())
}
