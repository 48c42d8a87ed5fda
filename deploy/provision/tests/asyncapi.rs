//! The AsyncAPI document is one by the official schema, and says how the messages look that the services publish.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::read_dir;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use gateway::asyncapi;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Returns what is wrong with a document; nothing if it is valid.
fn faults(document: &str) -> String {
    let tools = workspace().join(".tools");
    let schema = tools.join("asyncapi/3.0.0.json");
    assert!(schema.exists(), "there is no {}: run 'make tools'", schema.display());
    let releases = read_dir(workspace().join("tests/compat")).unwrap().map(|entry| entry.unwrap().path());
    let mut check = Command::new(tools.join("venv/bin/python"));
    check.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/asyncapi.py")).arg(schema).arg(releases.max().unwrap());
    let mut check = check.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(document.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.success(), text.is_empty(), "{text}");
    text
}

#[test]
fn the_document_is_valid_and_describes_the_messages_of_the_last_release() {
    assert_eq!(faults(&asyncapi()), "");
}

#[test]
fn a_document_that_is_wrong_is_found() {
    for (right, wrong, fault) in [
        ("\"send\"", "\"shout\"", "shout"),
        ("\"#/components/schemas/Money\"", "\"#/components/schemas/Gold\"", "#/components/schemas/Gold leads nowhere"),
        ("\"format\": \"uuid\"", "\"format\": \"date\"", "is not a \"date\""),
        ("cancel-order.v1", "cancel-order.v9", "cancel-order.v1 has no payload"),
    ] {
        let document = asyncapi();
        assert!(document.contains(right), "{right} is not in the document");
        let found = faults(&document.replace(right, wrong));
        assert!(found.contains(fault), "{wrong} is not found: {found}");
    }
}
