//! Notify mails customers what became of their orders, and knows what they have been told.

pub mod http;
pub mod letter;
pub mod mailer;
pub mod notifications;
mod reactions;
pub mod settings;
mod spool;

use choreography::{Choreography, nothing};
use contracts::OrderUpdated;

use mailer::Mailer;
use reactions::{note_mail, note_sent, send_mail};

/// Everything that notify receives and says. A customer who can't be told keeps the order all the same: when a mail has
/// died, nothing more is done than to leave its letter among the dead.
pub fn choreography(mailer: Mailer) -> Choreography {
    Choreography::new("notify")
        .on(note_mail)
        .effect(send_mail, mailer)
        .then(note_sent)
        .fallback(nothing::<OrderUpdated>)
}
