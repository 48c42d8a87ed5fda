//! Each example prints what its last comment says. `cargo test -p choreography` builds the examples before it runs this.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where cargo puts the built examples: beside the folder of this test's own program.
fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(Path::parent).unwrap().join("examples")
}

/// Returns the lines after `// Output:` at the end of an example.
fn promised(source: &str) -> Option<String> {
    let (_, output) = source.split_once("\n// Output:\n")?;
    let lines = output.lines().map(|line| line.strip_prefix("//").unwrap_or(line));
    Some(lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n"))
}

#[test]
fn every_example_prints_what_its_last_comment_says() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut run = 0;
    for entry in std::fs::read_dir(sources).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let Some(promised) = promised(&std::fs::read_to_string(&path).unwrap()) else { continue };
        let output = Command::new(built().join(&name)).output();
        let output = output.unwrap_or_else(|error| panic!("{name}: {error}; `cargo build --examples` makes it"));
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(printed.trim_end(), promised.trim_end(), "{name}");
        run += 1;
    }
    assert!(run >= 9, "only {run} examples have a last comment `// Output:`");
}
