//! Tests of the whole shop: real processes on a real nats-server, each group of tests with premises of its own.
//!
//! They are one program, so that tests can share premises and are linked once.
#![allow(clippy::disallowed_methods, reason = "outside of the shop, time and ids are the real ones")]
#![allow(unreachable_pub, reason = "a program of tests exports nothing")]
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]

mod absences;
mod bad_input;
mod circuit;
mod crashes;
mod customers;
mod damage;
mod dead_letters;
mod expiry;
mod failing;
mod followers;
mod full_disk;
mod gateway;
mod half_open;
mod idempotency;
mod intruder;
mod kills;
mod mails;
mod mixed;
mod moved_database;
mod older_database;
mod onlookers;
mod outcomes;
mod permissions;
mod processes;
mod races;
mod repairs;
mod steady;
mod storage;
mod strangers;
mod tombstones;
mod twice;
mod wallet;
