//! Notify mails customers the news of their orders, and records which mails they were sent.

pub mod contacts;
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

use contacts::Contacts;
use mailer::Mailer;
use reactions::{MailMeans, note_mail, note_sent, outdated, send_mail};

/// Returns everything that notify receives and publishes. An order goes on although its customer can't be mailed: when
/// the last try to send a mail fails, its message dies, and nothing else follows. A mail that is not true any more is not
/// sent.
pub fn choreography(mailer: Mailer, contacts: Contacts) -> Choreography {
    Choreography::new("notify")
        .on(note_mail)
        .effect(send_mail, MailMeans { mailer, contacts })
        .unless(outdated)
        .then(note_sent)
        .fallback(nothing::<OrderUpdated>)
}
