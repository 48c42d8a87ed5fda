//! The whole shop, in sentences: real processes on a real nats-server, each group of tests in premises of its own.
//!
//! One program, so that tests can share premises and are linked once.
#![allow(clippy::disallowed_methods, reason = "outside of the shop, time and ids are the real ones")]
#![allow(unreachable_pub, reason = "a program of tests exports nothing")]
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]

mod bad_input;
mod circuit;
mod crashes;
mod dead_letters;
mod expiry;
mod failing;
mod intruder;
mod mixed;
mod permissions;
mod processes;
mod races;
mod repairs;
mod sentences;
mod steady;
mod storage;
mod strangers;
mod tombstones;
mod twice;
