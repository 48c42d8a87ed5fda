//! The mails to an order's customer, sent and queued.
//!
//! A mail is `sent` only after the mail server, or the directory, took it.

use choreography::{Column, Row};
use contracts::{CustomerNotified, News, OrderId, OrderUpdated};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::mail::{Mail, Skipped, subject};

/// All mails to one order's customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "notifications", key = OrderId)]
pub struct Notifications {
    /// The order.
    pub order_id: OrderId,
    /// The mails, in the order of the news.
    pub mails: Vec<Notification>,
}

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MailStatus {
    /// Waiting for the mail server. A mail that could never be sent stays queued, until later news are sent; its dead
    /// letter has the reason.
    Queued,
    /// The mail server, or the directory, took it.
    Sent,
    /// There was nobody to send it to, or it is not true any more.
    Skipped,
}

/// A mail to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// The first part of its `Message-ID`: the id of the message that brought the news.
    pub message_id: Uuid,
    /// The news.
    pub status: News,
    /// The recipient: as the order has it, or once it is sent, as the customer's profile had it.
    pub to: Option<String>,
    /// Its subject.
    pub subject: String,
    /// How far it is.
    pub mail: MailStatus,
    /// Why it was skipped.
    pub skipped: Option<Skipped>,
    /// When the news came.
    #[schema(value_type = String, format = DateTime)]
    pub queued_at: Timestamp,
    /// When it was sent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Timestamp>,
}

impl Notification {
    /// Returns the mail that brings this news, before it is sent.
    pub fn about(news: &OrderUpdated, message_id: Uuid, now: Timestamp) -> Self {
        // Whether the customer's profile has an address is not known yet.
        let skipped = Mail::about(news, None).err().filter(|reason| *reason != Skipped::NoAddress);
        Self {
            message_id,
            status: news.status,
            to: news.email.clone(),
            subject: subject(news),
            mail: if skipped.is_some() { MailStatus::Skipped } else { MailStatus::Queued },
            skipped,
            queued_at: now,
            sent_at: None,
        }
    }
}

impl Notification {
    /// Skips the mail, if it is still queued.
    fn skip(&mut self, reason: Skipped) {
        if self.mail == MailStatus::Queued {
            (self.mail, self.skipped) = (MailStatus::Skipped, Some(reason));
        }
    }
}

/// Whether an order's story ends with this news.
fn is_final(news: News) -> bool {
    matches!(news, News::Cancelled | News::Completed)
}

impl Notifications {
    /// The column of the order.
    pub const ORDER: Column<Self, OrderId> = Column::new("key");

    /// Returns a row without mails.
    pub fn none(order_id: OrderId) -> Self {
        Self { order_id, mails: Vec::new() }
    }

    /// Adds a mail, unless it is there already.
    pub fn add(&mut self, mut mail: Notification) {
        if self.mails.iter().any(|known| known.message_id == mail.message_id) {
            return;
        }
        if self.outdates(mail.status).is_some() {
            mail.skip(Skipped::Outdated);
        }
        self.mails.push(mail);
    }

    /// Notes that the mail with this news was sent, or that there was nobody to send it to. Earlier ones that are still
    /// queued died before, and are outdated now.
    pub fn note_sent(&mut self, notified: &CustomerNotified, now: Timestamp) {
        let CustomerNotified { status, mailed, ref email, .. } = *notified;
        if let Some(mail) = self.mails.iter_mut().find(|mail| mail.status == status)
            && mail.mail == MailStatus::Queued
        {
            match mailed {
                true => (mail.mail, mail.sent_at) = (MailStatus::Sent, Some(now)),
                false => mail.skip(Skipped::NoAddress),
            }
            mail.to = email.clone().or(mail.to.take());
        }
        if is_final(status) {
            let earlier = self.mails.iter_mut().filter(|mail| !is_final(mail.status));
            earlier.for_each(|mail| mail.skip(Skipped::Outdated));
        }
    }

    /// Returns the final news that the customer was sent, if these are not final themselves: they are not true any more.
    pub fn outdates(&self, news: News) -> Option<News> {
        let mut sent = self.mails.iter().filter(|mail| mail.mail == MailStatus::Sent).map(|mail| mail.status);
        sent.find(|status| is_final(*status) && !is_final(news))
    }
}
