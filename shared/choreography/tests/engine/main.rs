//! Tests of the engine with a small application: an author publishes lines, a scribe writes them on pages.
//!
//! Most tests run in memory with paused time; those in `real` with SQLite and a real nats-server.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::future::Future;
use std::time::Duration;

mod backlog;
mod cache;
mod circuits;
mod commands;
mod construction;
mod database;
mod diary;
mod dying;
mod effect_outcomes;
mod effect_tries;
mod effects;
mod effects_again;
mod full_streams;
mod holes;
mod instances;
mod keys;
mod large_messages;
mod leading_again;
mod long_outages;
mod lost_messages;
mod market;
mod obsolete_effects;
mod one_by_one;
mod operator;
mod order;
mod overdue;
mod pausable_store;
mod planted;
mod publishing;
mod put_back;
mod read_again;
mod reading;
mod real;
mod receiving;
mod repair_lists;
mod repairing;
mod republishing;
mod roles;
mod scheduled;
mod stage;
mod stopping;
mod stream_put_back;
mod taking_up;
mod unreadable;
mod unresponsive_bus;
mod unsuitable;
mod unwritable;
mod waiting;

/// Waits until a condition holds, at most a minute; under paused time this takes no real time.
async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(60), waiting).await.is_ok(), "not within a minute: {what}");
}

/// Lets paused time pass; whatever is due meanwhile happens at its time.
async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}
