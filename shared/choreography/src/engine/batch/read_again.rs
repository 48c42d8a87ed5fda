//! Messages that are read again, because the database was put back to an older copy. What was published for them before is
//! in the stream, so the same has to be made again, however much time has passed.
//!
//! What must hold: until they are read, nothing ends by the clock: neither a step nor what waits nor what is scheduled. What
//! had died before dies again, for the same reason.

use super::decode::Decoded;
use super::receive::DecodedDeliveries;
use super::{Attempt, ReceivedMessage, Session, TriedEffect};
use crate::bus::Delivery;
use crate::store::{ScheduledRow, StoreError, WaitingRow, Wanted};
use crate::wire::dead_letter::Reason;
use crate::wire::envelope::Envelope;

impl Attempt<'_> {
    /// Whether a message may have been read before the database was put back.
    pub(super) fn is_read_again(&self, delivery: &Delivery) -> bool {
        delivery.stream_sequence <= self.again_through
    }

    /// Finds out what the stream has of the messages that are read again, of those that have waited until their end, and of
    /// the effects that were tried.
    pub(super) async fn find_earlier_outcomes(
        &mut self,
        session: &mut Session<'_>,
        decoded: &DecodedDeliveries<'_>,
        ended: &[WaitingRow],
        effects: &[TriedEffect],
    ) -> Result<(), StoreError> {
        let again = decoded.iter().filter(|(delivery, _)| self.is_read_again(delivery));
        let again = again.filter_map(|(delivery, decoded)| {
            Some(self.death_id(&ReceivedMessage::delivered(delivery, &decoded.heading()?).to_store()))
        });
        let waited = ended.iter().filter(|_| self.again_through > 0).map(|row| self.death_id(&row.envelope));
        let effects = if session.has_adopted() { effects } else { &[] };
        let adopted: Vec<_> = again.chain(waited).chain(self.ids_of_outcomes(effects)).collect();
        if !adopted.is_empty() {
            self.adopted = session.load(&Wanted { adopted, ..Wanted::default() }).await?.adopted;
        }
        Ok(())
    }

    /// Lets a message die that had died when it was read before, though it might succeed now: its story was compensated. Of
    /// one that has an effect only that it had expired is known here: its reaction may have succeeded before its effect died.
    pub(super) fn die_again<'b>(&self, delivery: &Delivery, decoded: Decoded<'b>) -> Decoded<'b> {
        let Some(heading) = decoded.heading().filter(|_| !self.adopted.is_empty()) else { return decoded };
        let name = delivery.envelope.parts().map_or("", |(_, name, _)| name);
        let has_effect = self.choreography.effect_handler(name).is_some();
        let death = self.earlier_death(&ReceivedMessage::delivered(delivery, &heading).to_store());
        match death.filter(|death| death.reason == Reason::Expired || !has_effect) {
            Some(death) => Decoded::Rejected(heading, death),
            None => decoded,
        }
    }

    /// Returns what is due of the scheduled messages that are due, and of the waiting messages whose waiting ends. While
    /// messages are read again, that is only what had expired before: the rest may be cancelled, or called, by them.
    pub(super) fn due_again(
        &self,
        due: Vec<ScheduledRow>,
        mut ended: Vec<WaitingRow>,
    ) -> (Vec<ScheduledRow>, Vec<WaitingRow>) {
        if self.again_through == 0 {
            return (due, ended);
        }
        ended.retain(|row| self.had_expired(&row.envelope));
        (Vec::new(), ended)
    }

    fn had_expired(&self, message: &Envelope) -> bool {
        self.earlier_death(message).is_some_and(|death| death.reason == Reason::Expired)
    }
}
