//! What every release has published and stored, in `tests/compat`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Messages by name and version (`create-payment.v1`), and rows by table, as a release wrote them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Release {
    /// The payloads of each message.
    pub messages: BTreeMap<String, Vec<Value>>,
    /// The rows of each table.
    pub rows: BTreeMap<String, Vec<Value>>,
}

/// Returns the directory with a file for each release.
pub fn directory() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "compat"].iter().collect()
}

/// Returns what each release wrote, with the name of its file, sorted by it.
///
/// # Panics
/// When a file can't be read.
pub fn releases() -> BTreeMap<String, Release> {
    let files = fs::read_dir(directory()).expect("the releases are there");
    let read = |path: PathBuf| {
        let release = serde_json::from_slice(&fs::read(&path).expect("a file")).expect("a release");
        (path.file_name().unwrap_or_default().to_string_lossy().into_owned(), release)
    };
    files.map(|file| read(file.expect("a file").path())).collect()
}
