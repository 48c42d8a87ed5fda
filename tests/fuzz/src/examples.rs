//! Examples: what every release has published and stored.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

/// Messages by name and version (`create-payment.v1`), and rows by table, as a release wrote them.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Release {
    /// The payloads of each message.
    pub(crate) messages: BTreeMap<String, Vec<Value>>,
    /// The rows of each table.
    pub(crate) rows: BTreeMap<String, Vec<Value>>,
}

/// Returns what each release wrote.
///
/// # Panics
/// When a file of `compat` can't be read.
pub(crate) fn releases() -> Vec<Release> {
    let directory: PathBuf = [env!("CARGO_MANIFEST_DIR"), "..", "compat"].iter().collect();
    let mut files: Vec<PathBuf> =
        fs::read_dir(directory).expect("the examples are there").flatten().map(|file| file.path()).collect();
    files.sort();
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).expect("a file")).expect("a release");
    files.iter().map(read).collect()
}
