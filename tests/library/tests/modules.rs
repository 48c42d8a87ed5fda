//! The modules of `choreography` depend on each other in one direction.

use library_tests::{Graph, Library, circle};

/// Circles of two modules that are known: the folder, and the two. To be emptied, not to be extended.
const KNOWN_CIRCLES: &[(&str, &str, &str)] = &[("declare", "fallback", "handler"), ("declare", "table", "tables")];

fn root() -> Graph {
    Library::of_workspace("choreography").dependencies(&[])
}

/// Returns where `module` mentions one of the modules that are `forbidden` to it.
fn violations(graph: &Graph, module: &str, forbidden: impl Fn(&str) -> bool) -> Vec<String> {
    graph[module].iter().filter(|(to, _)| forbidden(to)).map(|(_, place)| place.clone()).collect()
}

#[test]
fn declare_and_wire_know_neither_store_nor_bus_nor_engine() {
    for module in ["declare", "wire"] {
        let violations = violations(&root(), module, |to| ["store", "bus", "engine"].contains(&to));
        assert!(violations.is_empty(), "{violations:#?}");
    }
}

#[test]
fn breaker_knows_only_wire_and_clock() {
    let violations = violations(&root(), "breaker", |to| !["wire", "clock"].contains(&to));
    assert!(violations.is_empty(), "{violations:#?}");
}

#[test]
fn modules_depend_on_each_other_in_no_circle() {
    let library = Library::of_workspace("choreography");
    let mut circles = Vec::new();
    for parent in library.parents() {
        let mut graph = library.dependencies(&parent);
        for (_, one, other) in KNOWN_CIRCLES.iter().copied().filter(|(folder, ..)| *folder == parent.join("::")) {
            let is_circle = graph[one].contains_key(other) && graph[other].contains_key(one);
            assert!(is_circle, "{one} and {other} are no circle any more: remove them from KNOWN_CIRCLES");
            graph.entry(one.to_owned()).or_default().remove(other);
        }
        circles.extend(circle(&graph));
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}
