//! Messages that are read again, because the database was put back to an older copy. What was published for them before is
//! in the stream, so the same has to be made again, however much time has passed.
//!
//! What must hold: until they are read, nothing ends by the clock: neither a step nor what waits nor what is scheduled. A
//! step that had expired before expires again.

use uuid::Uuid;

use super::decode::{Decoded, expired};
use super::receive::DecodedDeliveries;
use super::{Attempt, ReceivedMessage, Session};
use crate::bus::Delivery;
use crate::store::{ScheduledRow, StoreError, WaitingRow, Wanted};
use crate::wire::circumstances::Circumstances;
use crate::wire::dead_letter::dead_letter;
use crate::wire::envelope::Envelope;
use crate::wire::repair::Repair;
use crate::wire::series::outgoing_id;

impl Attempt<'_> {
    /// Whether a message may have been read before the database was put back.
    pub(super) fn is_read_again(&self, delivery: &Delivery) -> bool {
        delivery.stream_sequence <= self.again_through
    }

    /// Finds out which of the messages that are read again, and of those that have waited until their end, had expired
    /// before: the stream has their dead letters.
    pub(super) async fn find_expired_before(
        &mut self,
        session: &mut Session<'_>,
        decoded: &DecodedDeliveries<'_>,
        ended: &[WaitingRow],
    ) -> Result<(), StoreError> {
        let again = decoded.iter().filter(|(delivery, _)| self.is_read_again(delivery));
        let again = again.filter_map(|(delivery, decoded)| {
            Some(self.expiry_id(&ReceivedMessage::delivered(delivery, &decoded.heading()?).to_store()))
        });
        let waited = ended.iter().filter(|_| self.again_through > 0).map(|row| self.expiry_id(&row.envelope));
        let adopted: Vec<_> = again.chain(waited).collect();
        if !adopted.is_empty() {
            let adopted = session.load(&Wanted { adopted, ..Wanted::default() }).await?.adopted;
            self.expired_before = adopted.into_keys().collect();
        }
        Ok(())
    }

    /// Lets a message expire that had expired when it was read before.
    pub(super) fn expire_again<'b>(&self, delivery: &Delivery, decoded: Decoded<'b>) -> Decoded<'b> {
        if self.expired_before.is_empty() {
            return decoded;
        }
        let Some((heading, expiry)) = decoded.heading().and_then(|heading| Some((heading, heading.expiry?))) else {
            return decoded;
        };
        let message = ReceivedMessage::delivered(delivery, &heading).to_store();
        match Repair::of(&message).is_none() && self.had_expired(&message) {
            true => Decoded::Rejected(heading, expired(format!("its deadline was {expiry}"))),
            false => decoded,
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
        self.expired_before.contains(&self.expiry_id(message))
    }

    /// Returns the id of the dead letter that a message has if it expires.
    fn expiry_id(&self, message: &Envelope) -> Uuid {
        let (service, now) = (self.choreography.service, self.envelopes.now);
        let circumstances = Circumstances { role: None, processed: 0, replayed: false };
        outgoing_id(&dead_letter(service, message, &expired(String::new()), circumstances, now))
    }
}
