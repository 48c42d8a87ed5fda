//! The properties of services: a right one has them all, and each wrong one breaks the one that it should.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod clinic;
mod own;
mod races;
mod samples;
mod unknown_fields;
mod wrong;

use std::panic::{AssertUnwindSafe, catch_unwind};

use choreography::testing::Properties;

/// Returns what is said about a service that breaks a property.
fn broken(properties: Properties) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| properties.check())).expect_err("the service has every property");
    *panic.downcast::<String>().expect("the panic has a text")
}

fn assert_says(text: &str, expected: &[&str]) {
    for expected in expected {
        assert!(text.contains(expected), "{expected:?} is not in this:\n{text}");
    }
}
