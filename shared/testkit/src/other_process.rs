//! The same function in another process, which has its hash maps in another order and its memory at other places.

use std::process::{Command, exit};
use std::{env, fs};

/// The environment variable by which the other process learns where to write what it makes.
const WRITE_TO: &str = "TESTKIT_WRITE_TO";

/// Returns what a function makes, which another process makes as well, byte for byte. The other process runs the test
/// that calls this, and nothing else; `test` is its name, with its modules.
///
/// # Panics
/// When the other process makes something else, with the first line that differs; when there is no such test.
pub fn same_in_another_process(test: &str, make: impl FnOnce() -> String) -> String {
    let own = make();
    if let Some(file) = env::var_os(WRITE_TO) {
        fs::write(file, own).expect("the test that has started this process can read the file");
        exit(0);
    }
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("made");
    let program = env::current_exe().expect("a test is a program");
    let ended = Command::new(program).args(["--exact", test]).env(WRITE_TO, &file).output().expect("it can be started");
    let other = fs::read_to_string(file);
    let other = other.unwrap_or_else(|_| panic!("{test} made nothing: {}", String::from_utf8_lossy(&ended.stdout)));
    let first = own.lines().zip(other.lines()).find(|(own, other)| own != other);
    assert!(own == other, "another process makes something else; the first lines that differ: {first:#?}");
    own
}
