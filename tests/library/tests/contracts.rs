//! What the messages of the shop need so that services of two versions work side by side: a field and a word that are
//! not known are no error.

use library_tests::Library;

#[test]
fn contracts_ignore_unknown_fields() {
    let strict = Library::of_workspace("contracts").types_with_serde_argument("deny_unknown_fields");
    assert!(
        strict.is_empty(),
        "{strict:?} refuse fields of a later version: strictness belongs to the bodies of requests"
    );
}

#[test]
fn every_enum_of_the_contracts_reads_words_that_it_does_not_know() {
    let library = Library::of_workspace("contracts");
    let enums = library.deserialized_enums();
    assert!(enums.len() >= 3, "{enums:?}");
    let closed: Vec<_> = enums.into_iter().filter(|(_, is_open)| !is_open).map(|(name, _)| name).collect();
    assert!(closed.is_empty(), "{closed:?} need a variant with #[serde(other)]: a later version may add words");
}
