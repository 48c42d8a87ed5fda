//! Counts the outcome of a batch, and logs the messages that died.

use crate::engine::batch::BatchOutcome;
use crate::engine::health::HealthReporter;

pub(super) fn count(service: &'static str, outcome: &BatchOutcome, health: &HealthReporter) {
    let source = if outcome.from_cache { "cache" } else { "database" };
    metrics::counter!("choreography_batches_total", "service" => service, "rows_from" => source).increment(1);
    let received = outcome.received as u64;
    metrics::counter!("choreography_messages_received_total", "service" => service).increment(received);
    let unreadable = outcome.unreadable.len() as u64;
    metrics::counter!("choreography_messages_unreadable_total", "service" => service).increment(unreadable);
    if let Some(first) = outcome.unreadable.first() {
        // Whoever sends one may send many: it is a trouble, which is logged once.
        let trouble = format!("{first}; it is a dead letter: see what it is, and who publishes it");
        health.trouble("unreadable messages", Err(&trouble));
        health.trouble("unreadable messages", Ok(()));
    }
    let outgoing = outcome.outbox.len() as u64;
    metrics::counter!("choreography_messages_outgoing_total", "service" => service).increment(outgoing);
    for (subject, death) in &outcome.deaths {
        let reason = death.reason.as_str();
        metrics::counter!("choreography_messages_dead_total", "service" => service, "reason" => reason).increment(1);
        tracing::error!(
            subject,
            reason,
            detail = death.detail,
            "a message died: see its dead letter, fix the cause, and replay or drop it"
        );
    }
}
