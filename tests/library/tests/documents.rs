//! What must hold of the files beside the sources: README.md of choreography names the metrics and the versions that it needs,
//! and the published crates have the licences.

use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::Path;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn text(path: &Path) -> String {
    read_to_string(path).unwrap_or_else(|error| panic!("reading {}: {error}", path.display()))
}

fn readme() -> String {
    text(&Path::new(WORKSPACE).join("shared/choreography/README.md"))
}

/// Returns the kinds and names of the metrics that the sources in a directory record.
fn recorded(directory: &Path) -> BTreeSet<(String, String)> {
    let mut metrics = BTreeSet::new();
    for entry in read_dir(directory).expect("the sources can be listed") {
        let path = entry.expect("the sources can be listed").path();
        if path.is_dir() {
            metrics.extend(recorded(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = text(&path);
            for kind in ["counter", "gauge", "histogram"] {
                let call = format!("{kind}!(");
                let calls = source.split(&call).skip(1);
                let names = calls.filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next());
                metrics.extend(names.map(|name| (kind.to_owned(), name.to_owned())));
            }
        }
    }
    metrics
}

#[test]
fn the_table_of_metrics_has_all_that_are_recorded() {
    let recorded = recorded(&Path::new(WORKSPACE).join("shared/choreography/src"));
    assert!(recorded.len() > 10, "{recorded:?}");
    let readme = readme();
    let (_, section) = readme.split_once("\n## Metrics\n").expect("README.md has a section on metrics");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let listed: BTreeSet<_> = rows
        .map(|(name, rest)| {
            let kind = rest.split(" | ").next().unwrap_or_default();
            (kind.to_owned(), name.split('{').next().unwrap_or_default().to_owned())
        })
        .collect();
    assert_eq!(listed, recorded);
}

#[test]
fn the_readme_names_the_versions_of_rust_and_utoipa() {
    let (readme, manifest) = (readme(), text(&Path::new(WORKSPACE).join("Cargo.toml")));
    assert!(readme.contains(concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer")));
    let (_, utoipa) = manifest.split_once("\nutoipa = { version = \"").expect("utoipa is a dependency");
    let major = utoipa.split('.').next().unwrap_or_default();
    assert!(readme.contains(&format!("utoipa {major}:")), "utoipa {major}");
}

#[test]
fn every_published_crate_has_the_licences() {
    let mut published = 0;
    for entry in read_dir(Path::new(WORKSPACE).join("shared")).expect("the crates can be listed") {
        let package = entry.expect("the crates can be listed").path();
        if text(&package.join("Cargo.toml")).contains("\npublish = false\n") {
            continue;
        }
        published += 1;
        for licence in ["LICENSE-MIT", "LICENSE-APACHE"] {
            assert_eq!(text(&package.join(licence)), text(&Path::new(WORKSPACE).join(licence)));
        }
    }
    assert_eq!(published, 4);
}
