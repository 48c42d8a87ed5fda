//! Notify mails customers the news of their orders, and records which mails they were sent.

pub mod http;
pub mod mail;
pub mod mailer;
pub mod notifications;
mod reactions;
pub mod settings;
mod smtp;
mod spool;

use choreography::{Choreography, nothing};
use contracts::OrderUpdated;

use mailer::Mailer;
use reactions::{note_mail, note_sent, outdated, send_mail};

/// Returns everything that notify receives and publishes. An order goes on although its customer can't be mailed: when
/// the last try to send a mail fails, its message dies, and nothing else follows. A mail that is not true any more is not
/// sent.
pub fn choreography(mailer: Mailer) -> Choreography {
    Choreography::new("notify")
        .on(note_mail)
        .effect(send_mail, mailer)
        .unless(outdated)
        .then(note_sent)
        .fallback(nothing::<OrderUpdated>)
}
