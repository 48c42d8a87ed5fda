//! The public names of a crate: its items, their public fields, variants, functions and constants.

use std::collections::BTreeSet;

use syn::{Attribute, Fields, ImplItem, Item, TraitItem, Visibility};

use crate::paths::{Import, Target, imports, is_public, item_name};
use crate::source::{Library, condition, is_test};

impl Library {
    /// Returns one line for each public name, sorted: `<path>: <kind>`, and in brackets the conditions under which it
    /// is there, if there are any.
    ///
    /// # Panics
    /// When a re-export leads nowhere.
    pub fn public_names(&self) -> Vec<String> {
        let mut listing = Listing { library: self, lines: BTreeSet::new() };
        listing.module(&[], &[], &BTreeSet::new());
        listing.lines.into_iter().collect()
    }
}

/// The conditions of a name: `feature="sqlite"` and the like.
type Conditions = BTreeSet<String>;

struct Listing<'a> {
    library: &'a Library,
    lines: BTreeSet<String>,
}

impl Listing<'_> {
    fn module(&mut self, module: &[String], public: &[String], conditions: &Conditions) {
        let items = &self.library.modules[module];
        for item in items {
            let (attributes, visibility) = outside(item);
            if is_test(attributes) || is_hidden(attributes) {
                continue;
            }
            let conditions = with(conditions, attributes);
            match item {
                Item::Macro(defined) if is_exported(attributes) => {
                    let name = defined.ident.iter().map(ToString::to_string).collect::<Vec<_>>();
                    self.line(&name, "macro", &conditions);
                }
                _ if !visibility.is_some_and(is_public) => {}
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    if let Some(child) = self.library.child(module, &name) {
                        let public = join(public, &name);
                        self.line(&public, "mod", &conditions);
                        self.module(&child, &public, &conditions);
                    }
                }
                Item::Use(_) => {
                    for import in imports(item) {
                        self.import(module, public, &import, &conditions);
                    }
                }
                _ => {
                    if let Some(name) = item_name(item) {
                        self.item(module, &name, &join(public, &name), &conditions);
                    }
                }
            }
        }
    }

    fn import(&mut self, module: &[String], public: &[String], import: &Import, conditions: &Conditions) {
        let path = import.path.join("::");
        let name = join(public, import.name.as_deref().unwrap_or("*"));
        match self.library.resolve(module, &import.path) {
            Some(Target::Module(all)) if import.name.is_none() => self.module(&all, public, conditions),
            Some(Target::Module(inner)) => {
                self.line(&name, "mod", conditions);
                self.module(&inner, &name, conditions);
            }
            Some(Target::Item(definer, item)) if import.name.is_some() => {
                self.item(&definer, &item, &name, conditions);
            }
            // Of another crate, or the variants of an enum.
            found => {
                let own = ["crate::", "self::", "super::"].iter().any(|start| path.starts_with(start));
                assert!(found.is_some() || !own, "the re-export {path} leads nowhere");
                self.line(&name, &format!("use {path}"), conditions);
            }
        }
    }

    fn item(&mut self, module: &[String], name: &str, public: &[String], conditions: &Conditions) {
        let defined = self.library.modules[module].iter().filter(|item| item_name(item).is_some_and(|own| own == name));
        for item in defined {
            let conditions = with(conditions, outside(item).0);
            self.line(public, kind(item), &conditions);
            self.members(item, public, &conditions);
        }
        self.implemented(module, name, public, conditions);
    }

    fn members(&mut self, item: &Item, public: &[String], conditions: &Conditions) {
        match item {
            Item::Struct(item) => self.fields(&item.fields, public, conditions),
            Item::Enum(item) => {
                for variant in &item.variants {
                    let conditions = with(conditions, &variant.attrs);
                    let public = join(public, &variant.ident.to_string());
                    self.line(&public, "variant", &conditions);
                    for field in variant.fields.iter().filter_map(|field| field.ident.as_ref()) {
                        self.line(&join(&public, &field.to_string()), "field", &conditions);
                    }
                }
            }
            Item::Trait(item) => {
                for member in &item.items {
                    let (name, kind, attributes) = match member {
                        TraitItem::Const(member) => (&member.ident, "const", &member.attrs),
                        TraitItem::Fn(member) => (&member.sig.ident, "fn", &member.attrs),
                        TraitItem::Type(member) => (&member.ident, "type", &member.attrs),
                        _ => continue,
                    };
                    if !is_hidden(attributes) {
                        self.line(&join(public, &name.to_string()), kind, &with(conditions, attributes));
                    }
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Fields, public: &[String], conditions: &Conditions) {
        for (number, field) in fields.iter().enumerate().filter(|(_, field)| is_public(&field.vis)) {
            let name = field.ident.as_ref().map_or_else(|| number.to_string(), ToString::to_string);
            self.line(&join(public, &name), "field", &with(conditions, &field.attrs));
        }
    }

    /// Adds the public functions and constants of a type, in whichever module they are implemented.
    fn implemented(&mut self, module: &[String], name: &str, public: &[String], conditions: &Conditions) {
        let target = Target::Item(module.to_vec(), name.to_owned());
        for (place, items) in &self.library.modules {
            for item in items {
                let Item::Impl(block) = item else { continue };
                let syn::Type::Path(own) = &*block.self_ty else { continue };
                let path: Vec<String> = own.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
                if block.trait_.is_some() || self.library.resolve(place, &path).as_ref() != Some(&target) {
                    continue;
                }
                let conditions = with(conditions, &block.attrs);
                for member in &block.items {
                    self.member(member, public, &conditions);
                }
            }
        }
    }

    fn member(&mut self, member: &ImplItem, public: &[String], conditions: &Conditions) {
        let (name, kind, visibility, attributes) = match member {
            ImplItem::Const(member) => (&member.ident, "const", &member.vis, &member.attrs),
            ImplItem::Fn(member) => (&member.sig.ident, "fn", &member.vis, &member.attrs),
            _ => return,
        };
        if is_public(visibility) && !is_hidden(attributes) {
            self.line(&join(public, &name.to_string()), kind, &with(conditions, attributes));
        }
    }

    fn line(&mut self, public: &[String], kind: &str, conditions: &Conditions) {
        let conditions: Vec<&str> = conditions.iter().map(String::as_str).collect();
        let brackets = if conditions.is_empty() { String::new() } else { format!(" [{}]", conditions.join(", ")) };
        self.lines.insert(format!("{}: {kind}{brackets}", public.join("::")));
    }
}

fn join(public: &[String], name: &str) -> Vec<String> {
    public.iter().cloned().chain([name.to_owned()]).collect()
}

fn with(conditions: &Conditions, attributes: &[Attribute]) -> Conditions {
    conditions.iter().cloned().chain(attributes.iter().filter_map(condition)).collect()
}

fn is_exported(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("macro_export"))
}

/// Whether `#[doc(hidden)]` keeps an item out of the documentation.
fn is_hidden(attributes: &[Attribute]) -> bool {
    let mut documentation = attributes.iter().filter(|attribute| attribute.path().is_ident("doc"));
    documentation.any(|attribute| attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "hidden"))
}

/// Returns an item's attributes and visibility.
fn outside(item: &Item) -> (&[Attribute], Option<&Visibility>) {
    match item {
        Item::Const(item) => (&item.attrs, Some(&item.vis)),
        Item::Enum(item) => (&item.attrs, Some(&item.vis)),
        Item::Fn(item) => (&item.attrs, Some(&item.vis)),
        Item::Macro(item) => (&item.attrs, None),
        Item::Mod(item) => (&item.attrs, Some(&item.vis)),
        Item::Static(item) => (&item.attrs, Some(&item.vis)),
        Item::Struct(item) => (&item.attrs, Some(&item.vis)),
        Item::Trait(item) => (&item.attrs, Some(&item.vis)),
        Item::Type(item) => (&item.attrs, Some(&item.vis)),
        Item::Union(item) => (&item.attrs, Some(&item.vis)),
        Item::Use(item) => (&item.attrs, Some(&item.vis)),
        _ => (&[], None),
    }
}

fn kind(item: &Item) -> &'static str {
    match item {
        Item::Const(_) => "const",
        Item::Enum(_) => "enum",
        Item::Fn(_) => "fn",
        Item::Static(_) => "static",
        Item::Struct(_) => "struct",
        Item::Trait(_) => "trait",
        Item::Type(_) => "type",
        Item::Union(_) => "union",
        _ => "macro",
    }
}
