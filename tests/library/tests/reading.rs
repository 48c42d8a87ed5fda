//! What is read from a crate's sources, shown with small ones.

use std::fs;
use std::path::Path;

use library_tests::{Library, circle};

/// Reads a crate of one file.
fn library(name: &str, text: &str) -> Library {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).expect("the directory can be created");
    fs::write(directory.join("lib.rs"), text).expect("the file can be written");
    Library::read(&directory)
}

#[test]
fn mention_is_found_wherever_it_stands() {
    let mentions = [
        "use crate::store::Store;",
        "use crate::store::{self};",
        "use super::store::*;",
        "use crate::Renamed;",
        "fn f() { let _ = crate::store::Store; }",
        "fn f() { print!(\"{:?}\", [crate::store::Store]); }",
        "fn f(_: &Vec<super::store::Store>) {}",
        "impl super::store::Open for u8 {}",
        "mod inner { use super::super::store::Store; }",
    ];
    for mention in mentions {
        let store = "pub use store::Store as Renamed; mod store { pub struct Store; pub trait Open {} }";
        let graph = library("mention", &format!("{store} mod one {{ {mention} }}")).dependencies(&[]);
        assert!(graph["one"].contains_key("store"), "not found: {mention}");
        assert!(graph["store"].is_empty());
    }
}

#[test]
fn tests_of_the_crate_may_mention_everything() {
    let text = "mod store {} mod one { #[cfg(test)] mod tests { use crate::store; } #[cfg(test)] use crate::store; }";
    assert!(library("tests", text).dependencies(&[])["one"].is_empty());
}

#[test]
fn circle_of_three_is_found() {
    let text = "mod a { use crate::b; } mod b { use crate::c; } mod c { use crate::a; } mod d { use crate::a; }";
    let found = circle(&library("circle", text).dependencies(&[])).expect("there is one");
    assert!(found.starts_with("a -> b -> c -> a"), "{found}");
    let text = "mod a { use crate::b; } mod b { use crate::c; } mod c {} mod d { use crate::a; }";
    assert_eq!(circle(&library("no_circle", text).dependencies(&[])), None);
}

#[test]
fn public_names_are_those_that_a_user_can_write() {
    let text = r#"
        mod inner {
            pub struct Shown { pub field: u8, hidden: u8 }
            impl Shown { pub fn new() -> Self { todo!() } fn secret() {} }
            impl Clone for Shown { fn clone(&self) -> Self { todo!() } }
            pub struct NotExported;
            pub(crate) struct Internal;
            pub enum Kind { One, Two { size: u8 } }
        }
        pub use inner::{Kind as Sort, Shown};
        #[cfg(feature = "extra")]
        pub mod extra { pub trait Act { const LIMIT: u8; fn act(&self); } }
        pub use uuid;
        #[doc(hidden)] pub fn hidden() {}
    "#;
    let names = library("names", text).public_names();
    let expected = [
        "Shown: struct",
        "Shown::field: field",
        "Shown::new: fn",
        "Sort: enum",
        "Sort::One: variant",
        "Sort::Two: variant",
        "Sort::Two::size: field",
        "extra: mod [feature=\"extra\"]",
        "extra::Act: trait [feature=\"extra\"]",
        "extra::Act::LIMIT: const [feature=\"extra\"]",
        "extra::Act::act: fn [feature=\"extra\"]",
        "uuid: use uuid",
    ];
    assert_eq!(names, expected);
}
