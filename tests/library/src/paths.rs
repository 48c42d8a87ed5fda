//! Where a path leads: through modules, imports and re-exports.

use syn::{Item, UseTree, Visibility};

use crate::source::{Library, ModulePath};

/// How many imports may lead to one another; more are a circle.
const IMPORTS_MAX: usize = 16;

/// What a path leads to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Module(ModulePath),
    /// An item, and the module in which it is defined.
    Item(ModulePath, String),
}

/// One name of a `use` item: the whole path, and the name under which it is imported.
#[derive(Debug, Clone)]
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    /// `None` for a glob.
    pub(crate) name: Option<String>,
}

impl Library {
    /// Follows a path that is written in `module`; `None` when it leads out of the crate.
    pub(crate) fn resolve(&self, module: &[String], path: &[String]) -> Option<Target> {
        self.follow(module, path, IMPORTS_MAX)
    }

    fn follow(&self, module: &[String], path: &[String], imports_left: usize) -> Option<Target> {
        let (first, rest) = path.split_first()?;
        let start = match first.as_str() {
            "crate" => Target::Module(ModulePath::new()),
            "self" => Target::Module(module.to_vec()),
            "super" => Target::Module(module.split_last()?.1.to_vec()),
            name => self.look_up(module, name, imports_left)?,
        };
        rest.iter().try_fold(start, |reached, name| match reached {
            Target::Module(module) if name == "super" => Some(Target::Module(module.split_last()?.1.to_vec())),
            Target::Module(module) => self.look_up(&module, name, imports_left),
            // A variant or an associated item: its type is what counts.
            Target::Item(..) => Some(reached),
        })
    }

    fn look_up(&self, module: &[String], name: &str, imports_left: usize) -> Option<Target> {
        if let Some(child) = self.child(module, name) {
            return Some(Target::Module(child));
        }
        let items = self.modules.get(module)?;
        if items.iter().any(|item| item_name(item).is_some_and(|defined| defined == name)) {
            return Some(Target::Item(module.to_vec(), name.to_owned()));
        }
        let left = imports_left.checked_sub(1)?;
        items.iter().flat_map(imports).find_map(|import| match &import.name {
            Some(imported) if imported == name => self.follow(module, &import.path, left),
            Some(_) => None,
            None => match self.follow(module, &import.path, left)? {
                Target::Module(all) if all != module => self.look_up(&all, name, left),
                _ => None,
            },
        })
    }
}

/// Returns the names that an item imports, if it is a `use`.
pub(crate) fn imports(item: &Item) -> Vec<Import> {
    let mut imports = Vec::new();
    if let Item::Use(item) = item {
        flatten(&item.tree, &mut Vec::new(), &mut imports);
    }
    imports
}

fn flatten(tree: &UseTree, prefix: &mut Vec<String>, imports: &mut Vec<Import>) {
    let mut leaf = |last: &str, name: Option<String>| {
        // `use a::b::{self}` imports `b`.
        let path = prefix.iter().map(String::as_str).chain((last != "self" || prefix.is_empty()).then_some(last));
        let path: Vec<String> = path.map(str::to_owned).collect();
        let name = if name.as_deref() == Some("self") { path.last().cloned() } else { name };
        imports.push(Import { path, name });
    };
    match tree {
        UseTree::Name(name) => leaf(&name.ident.to_string(), Some(name.ident.to_string())),
        UseTree::Rename(rename) => leaf(&rename.ident.to_string(), Some(rename.rename.to_string())),
        UseTree::Glob(_) => imports.push(Import { path: prefix.clone(), name: None }),
        UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            flatten(&path.tree, prefix, imports);
            prefix.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, prefix, imports)),
    }
}

/// Returns the name that an item defines, whoever may use it.
pub(crate) fn item_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether it is visible wherever the path to it is.
pub(crate) fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
