//! Notify mails customers what became of their orders, and keeps which mails they were sent.

pub mod http;
pub mod mail;
pub mod mailer;
pub mod notifications;
mod reactions;
pub mod settings;
mod spool;

use choreography::{Choreography, nothing};
use contracts::OrderUpdated;

use mailer::Mailer;
use reactions::{note_mail, note_sent, send_mail};

/// Everything that notify receives and publishes. An order goes on although its customer can't be mailed: when a mail
/// was tried in vain, its message dies, and nothing else follows.
pub fn choreography(mailer: Mailer) -> Choreography {
    Choreography::new("notify")
        .on(note_mail)
        .effect(send_mail, mailer)
        .then(note_sent)
        .fallback(nothing::<OrderUpdated>)
}
