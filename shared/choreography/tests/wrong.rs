//! Wrong code does not compile, and the error names the mistake and what to write instead.
//!
//! After a change of an error: `TRYBUILD=overwrite cargo test -p choreography --test wrong`, and read the new text.

#[test]
fn the_compiler_names_the_mistake() {
    trybuild::TestCases::new().compile_fail("tests/wrong/*.rs");
}
