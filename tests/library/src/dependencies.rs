//! Which modules mention which: in imports, in paths, and in the arguments of macros.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Item, ItemMod, ItemUse};

use crate::paths::{Target, imports};
use crate::source::{Library, ModulePath, is_test};

/// Siblings, each with the siblings that it mentions, and for each of them one example.
pub type Graph = BTreeMap<String, BTreeMap<String, String>>;

impl Library {
    /// Returns which of the modules in `parent` mention which others of them, themselves or by a module inside.
    pub fn dependencies(&self, parent: &[String]) -> Graph {
        let mut graph = Graph::new();
        for (module, items) in self.modules.range(parent.to_vec()..) {
            if !module.starts_with(parent) {
                break;
            }
            let Some(from) = module.get(parent.len()) else { continue };
            let mentions = graph.entry(from.clone()).or_default();
            for (target, path) in self.mentions(module, items) {
                if target.starts_with(parent)
                    && let Some(to) = target.get(parent.len())
                    && to != from
                {
                    mentions.entry(to.clone()).or_insert_with(|| format!("{} mentions {path}", module.join("::")));
                }
            }
        }
        graph
    }

    /// Returns the modules that have modules of their own, the root among them.
    pub fn parents(&self) -> BTreeSet<ModulePath> {
        self.modules.keys().filter_map(|module| Some(module.split_last()?.1.to_vec())).collect()
    }

    /// Returns the modules that define what a module mentions, and the modules that the paths go through.
    fn mentions(&self, module: &[String], items: &[Item]) -> Vec<(ModulePath, String)> {
        let mut paths = Paths::default();
        items.iter().for_each(|item| paths.visit_item(item));
        let mut mentions = Vec::new();
        for path in paths.found {
            for length in 1..=path.len() {
                if let Some(Target::Module(target) | Target::Item(target, _)) = self.resolve(module, &path[..length]) {
                    mentions.push((target, path.join("::")));
                }
            }
        }
        mentions
    }
}

/// Finds a circle in a graph and describes it, one mention a line.
pub fn circle(graph: &Graph) -> Option<String> {
    graph.keys().find_map(|start| {
        let mut way = vec![start.clone()];
        circle_from(graph, &mut way).then(|| {
            let steps = way.windows(2).map(|step| graph[&step[0]][&step[1]].as_str());
            format!("{}:\n  {}", way.join(" -> "), steps.collect::<Vec<_>>().join("\n  "))
        })
    })
}

/// Extends the way until it comes back to its start.
fn circle_from(graph: &Graph, way: &mut Vec<String>) -> bool {
    let last = &way[way.len() - 1];
    let next: Vec<String> = graph.get(last).into_iter().flat_map(BTreeMap::keys).cloned().collect();
    for name in next {
        let closes = name == way[0];
        if !closes && way.contains(&name) {
            continue;
        }
        way.push(name);
        if closes || circle_from(graph, way) {
            return true;
        }
        way.pop();
    }
    false
}

/// Collects the paths of a module's items; those of modules inside belong to these.
#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, _: &'ast ItemMod) {}

    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Impl(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let imports = imports(&Item::Use(item.clone()));
        self.found.extend(imports.into_iter().map(|import| import.path));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found.push(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        let mut path = Vec::new();
        for token in tokens.clone() {
            match token {
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {}
                other => {
                    self.end_path(&mut path);
                    if let TokenTree::Group(group) = other {
                        self.visit_token_stream(&group.stream());
                    }
                }
            }
        }
        self.end_path(&mut path);
    }
}

impl Paths {
    fn end_path(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.found.push(std::mem::take(path));
        }
    }
}
