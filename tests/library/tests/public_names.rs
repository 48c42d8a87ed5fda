//! The public names of the published crates are the ones in `public/<crate>.txt`, so that a review shows every change.

use std::path::PathBuf;
use std::{env, fs};

use library_tests::Library;

fn compare(name: &str) {
    let names = Library::of_workspace(name).public_names().join("\n") + "\n";
    let file: PathBuf = [env!("CARGO_MANIFEST_DIR"), "public", &format!("{name}.txt")].iter().collect();
    if env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, &names).expect("the list can be written");
    }
    let golden = fs::read_to_string(&file).unwrap_or_default();
    let only = |of: &str, other: &str, sign: char| -> String {
        let other: Vec<&str> = other.lines().collect();
        of.lines().filter(|line| !other.contains(line)).map(|line| format!("  {sign} {line}\n")).collect()
    };
    assert!(
        golden == names,
        "the public names of {name} have changed:\n{}{}if they should: UPDATE_GOLDEN=1 cargo test -p library-tests",
        only(&golden, &names, '-'),
        only(&names, &golden, '+'),
    );
}

#[test]
fn public_names_of_choreography_are_listed() {
    compare("choreography");
}

#[test]
fn public_names_of_choreography_axum_are_listed() {
    compare("choreography-axum");
}
