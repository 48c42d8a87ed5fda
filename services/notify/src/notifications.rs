//! The mails to an order's customer, sent and queued.
//!
//! A mail is `sent` only after the mail server, or the directory, took it.

use choreography::{Column, Row};
use contracts::{News, OrderId, OrderUpdated};
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
    /// Waiting for the mail server. A mail that could never be sent stays queued; its dead letter has the reason.
    Queued,
    /// The mail server, or the directory, took it.
    Sent,
    /// There was nobody to send it to.
    Skipped,
}

/// A mail to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notification {
    /// The first part of its `Message-ID`: the id of the message that brought the news.
    pub message_id: Uuid,
    /// The news.
    pub status: News,
    /// The recipient, as the order has it.
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
        let skipped = Mail::about(news).err();
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

impl Notifications {
    /// The column of the order.
    pub const ORDER: Column<Self, OrderId> = Column::new("key");

    /// Returns a row without mails.
    pub fn none(order_id: OrderId) -> Self {
        Self { order_id, mails: Vec::new() }
    }

    /// Adds a mail, unless it is there already.
    pub fn add(&mut self, mail: Notification) {
        if self.mails.iter().all(|known| known.message_id != mail.message_id) {
            self.mails.push(mail);
        }
    }

    /// Notes that the mail with this news was sent.
    pub fn note_sent(&mut self, status: News, now: Timestamp) {
        if let Some(mail) = self.mails.iter_mut().find(|mail| mail.status == status)
            && mail.mail == MailStatus::Queued
        {
            (mail.mail, mail.sent_at) = (MailStatus::Sent, Some(now));
        }
    }
}
