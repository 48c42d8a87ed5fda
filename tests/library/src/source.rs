//! The modules of a crate, parsed. Modules that exist for the crate's own tests are left out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use syn::{Attribute, Item, ItemMod, Meta};

/// The names that lead from the crate's root to a module; empty for the root itself.
pub type ModulePath = Vec<String>;

/// A parsed crate.
pub struct Library {
    pub(crate) modules: BTreeMap<ModulePath, Vec<Item>>,
}

impl Library {
    /// Parses the crate whose sources are in `directory`.
    ///
    /// # Panics
    /// When a file of the crate is missing, or is not Rust.
    pub fn read(directory: &Path) -> Self {
        let mut library = Self { modules: BTreeMap::new() };
        library.add_file(ModulePath::new(), &directory.join("lib.rs"), directory);
        library
    }

    /// Returns the library crate `shared/<name>` of this workspace.
    pub fn of_workspace(name: &str) -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::read(&manifest.join("../../shared").join(name).join("src"))
    }

    /// Adds the modules of a file. `children` is the directory in which the module's own modules are.
    fn add_file(&mut self, module: ModulePath, file: &Path, children: &Path) {
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("reading {}: {error}", file.display()));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("parsing {}: {error}", file.display()));
        self.add_items(module, parsed.items, children);
    }

    fn add_items(&mut self, module: ModulePath, items: Vec<Item>, children: &Path) {
        for item in &items {
            if let Item::Mod(inner) = item
                && !is_test(&inner.attrs)
            {
                self.add_inner(&module, inner, children);
            }
        }
        self.modules.insert(module, items);
    }

    fn add_inner(&mut self, parent: &ModulePath, inner: &ItemMod, directory: &Path) {
        let name = inner.ident.to_string();
        let module: ModulePath = parent.iter().cloned().chain([name.clone()]).collect();
        let children = directory.join(&name);
        if let Some((_, items)) = &inner.content {
            return self.add_items(module, items.clone(), &children);
        }
        let beside = directory.join(format!("{name}.rs"));
        let file = if beside.is_file() { beside } else { children.join("mod.rs") };
        self.add_file(module, &file, &children);
    }

    pub(crate) fn child(&self, module: &[String], name: &str) -> Option<ModulePath> {
        let child: ModulePath = module.iter().cloned().chain([name.to_owned()]).collect();
        self.modules.contains_key(&child).then_some(child)
    }
}

/// Whether an item is compiled for tests only.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| condition(attribute).is_some_and(|condition| condition == "test"))
}

/// Returns the condition in `#[cfg(…)]`, without spaces.
pub(crate) fn condition(attribute: &Attribute) -> Option<String> {
    let Meta::List(list) = &attribute.meta else { return None };
    list.path.is_ident("cfg").then(|| list.tokens.to_string().split_whitespace().collect())
}
