//! What visitors of the public door get: pages that say what to do, and problems for programs.
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]
#![allow(unreachable_pub, reason = "a program of tests exports nothing")]

mod door;
mod named;
mod refused;
mod signed_in;
