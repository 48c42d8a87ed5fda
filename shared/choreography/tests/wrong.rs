//! Wrong code does not compile, and the compiler names the mistake, not the machinery behind it.
//!
//! After a change of a message: `TRYBUILD=overwrite cargo test -p choreography --test wrong`, and read what it says now.

#[test]
fn the_compiler_names_the_mistake() {
    trybuild::TestCases::new().compile_fail("tests/wrong/*.rs");
}
