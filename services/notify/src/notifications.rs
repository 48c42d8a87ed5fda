//! What an order's customer has been told, or is about to be.
//!
//! A mail is `sent` only after the mailer had it accepted.

use choreography::{Column, Row};
use contracts::{News, OrderId, OrderUpdated};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::letter::{Letter, Skipped, subject};

/// Everything that one order's customer was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notifications {
    /// The order.
    pub order_id: OrderId,
    /// The mails, in the order of the news.
    pub mails: Vec<Mail>,
}

impl Row for Notifications {
    const TABLE: &'static str = "notifications";
    type Key = OrderId;
}

/// Where a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Posting {
    /// Waiting for the mail server. A mail that could never be sent stays so; its dead letter says why.
    Queued,
    /// The mail server, or the directory, has it.
    Sent,
    /// There was nobody to send it to.
    Skipped,
}

/// One mail to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mail {
    /// The first part of its `Message-ID`: the id of the message that brought the news.
    pub message_id: Uuid,
    /// The news.
    pub status: News,
    /// To whom, as the order says it.
    pub to: Option<String>,
    /// What it is about.
    pub subject: String,
    /// Where it is.
    pub mail: Posting,
    /// Why it was skipped.
    pub skipped: Option<Skipped>,
    /// When the news came.
    #[schema(value_type = String, format = DateTime)]
    pub queued_at: Timestamp,
    /// When it was sent.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub sent_at: Option<Timestamp>,
}

impl Mail {
    /// The mail that tells this news, before it is sent.
    pub fn about(news: &OrderUpdated, message_id: Uuid, now: Timestamp) -> Self {
        let skipped = Letter::about(news).err();
        Self {
            message_id,
            status: news.status,
            to: news.email.clone(),
            subject: subject(news),
            mail: if skipped.is_some() { Posting::Skipped } else { Posting::Queued },
            skipped,
            queued_at: now,
            sent_at: None,
        }
    }
}

impl Notifications {
    /// The order that they are about.
    pub const ORDER: Column<Self, OrderId> = Column::new("key");

    /// Nothing has been told yet.
    pub fn none(order_id: OrderId) -> Self {
        Self { order_id, mails: Vec::new() }
    }

    /// Notes a mail, once.
    pub fn note(&mut self, mail: Mail) {
        if self.mails.iter().all(|known| known.message_id != mail.message_id) {
            self.mails.push(mail);
        }
    }

    /// The mail with this news has been sent.
    pub fn sent(&mut self, status: News, now: Timestamp) {
        if let Some(mail) = self.mails.iter_mut().find(|mail| mail.status == status)
            && mail.mail == Posting::Queued
        {
            (mail.mail, mail.sent_at) = (Posting::Sent, Some(now));
        }
    }
}
