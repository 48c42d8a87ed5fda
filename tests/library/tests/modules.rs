//! The modules of `choreography` depend on each other in one direction.

use library_tests::{Graph, Library, circle};

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
        let graph = library.dependencies(&parent);
        circles.extend(circle(&graph));
    }
    assert!(circles.is_empty(), "{}", circles.join("\n"));
}
