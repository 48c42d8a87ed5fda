//! A hearer that is down writes no letters, so the sayer watches: who has not been sent what was said long ago?

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Watchman;
use crate::bus::{BusError, Connection, Hearer};
use crate::circuit::ServerTime;
use crate::clock::{earlier, until};
use crate::envelope::Envelope;

impl Watchman {
    /// Writes a letter for each kind and hearer that is behind. Only the instance in charge does: one letter a cycle.
    pub(super) async fn watch(&self, connection: &dyn Connection, time: ServerTime) -> Result<(), BusError> {
        if self.shared.charge().epoch.is_none() {
            return Ok(());
        }
        let (sayer, now) = (self.choreography.service, time.at(self.settings.clock.now()));
        let overdue = earlier(now, self.settings.overdue_after);
        let messages = self.choreography.forward_words();
        for hearer in furthest(connection.hearers().await?).values() {
            if hearer.service() == sayer || hearer.pending == 0 {
                continue;
            }
            for message in messages.iter().filter(|message| hearer.hears(sayer, message)) {
                let first = connection.first_after(&format!("{sayer}.{message}.*"), hearer.delivered).await?;
                if let Some((_, said)) = first.filter(|(_, said)| *said < overdue) {
                    let letter = letter(sayer, message, hearer, said, now);
                    connection.publish(&letter).await?.await?;
                }
            }
        }
        Ok(())
    }
}

/// The hearers, of each service the instance that was sent most: the others stand by.
fn furthest(hearers: Vec<Hearer>) -> BTreeMap<String, Hearer> {
    let mut furthest = BTreeMap::<String, Hearer>::new();
    for hearer in hearers {
        match furthest.get(hearer.service()) {
            Some(known) if known.delivered >= hearer.delivered => {}
            _ => drop(furthest.insert(hearer.service().to_owned(), hearer)),
        }
    }
    furthest
}

/// It is published as it is, not through the outbox: it is no part of any story, and the next cycle writes another.
fn letter(sayer: &str, message: &str, hearer: &Hearer, said: Timestamp, now: Timestamp) -> Envelope {
    let (name, count, seconds) = (hearer.service(), hearer.pending, until(said, now).as_secs());
    let messages = if count == 1 { "message" } else { "messages" };
    let headers = [
        ("dead-reason", "overdue".to_owned()),
        ("dead-detail", format!("{name} has not been sent {count} {messages}, the oldest for {seconds} s")),
        ("dead-tries", "0".to_owned()),
        ("dead-fingerprint", format!("{sayer}/{message}/overdue/{name}")),
        ("dead-time", now.to_string()),
    ];
    let subject = format!("dead.{sayer}.{message}.overdue").into();
    Envelope { subject, headers: headers.into(), payload: "{}".into() }
}
