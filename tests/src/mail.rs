//! The mails that customers have received.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use mail_parser::MessageParser;
use testkit::until;

use crate::orders::Order;
use crate::shop::{PATIENCE, Shop};

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mail {
    /// The recipient.
    pub to: String,
    /// `Message-ID`: the same when a mail is sent again.
    pub message_id: String,
    /// The subject line.
    pub subject: String,
    /// The text of the body.
    pub text: String,
}

impl Mail {
    fn read(raw: &[u8]) -> Option<Self> {
        let mail = MessageParser::default().parse(raw)?;
        Some(Self {
            to: mail.to()?.first()?.address()?.to_owned(),
            message_id: mail.message_id()?.to_owned(),
            subject: mail.subject()?.to_owned(),
            text: mail.body_text(0)?.into_owned(),
        })
    }
}

impl Shop {
    /// Returns every mail that has arrived; one that was sent twice is there twice.
    ///
    /// # Panics
    /// When the mailbox cannot be read, or a mail is malformed.
    pub fn all_mails(&self) -> Vec<Mail> {
        let raw = match &self.premises.smtp {
            Some(smtp) => smtp.mails().expect("the maildir can be read"),
            None => files(&self.premises.world.directory().join("mail")),
        };
        let read =
            |raw: &Vec<u8>| Mail::read(raw).unwrap_or_else(|| panic!("not a mail: {}", String::from_utf8_lossy(raw)));
        raw.iter().map(read).collect()
    }

    /// Returns the different mails about an order.
    pub fn mails(&self, order: &Order) -> BTreeSet<Mail> {
        self.all_mails().into_iter().filter(|mail| mail.to == order.email).collect()
    }

    /// Waits until this many different mails about an order have arrived, and returns them.
    ///
    /// # Panics
    /// When they do not arrive, or there are more.
    pub async fn expect_mails(&self, order: &Order, count: usize) -> BTreeSet<Mail> {
        let mails = until(format_args!("{count} mails to {}", order.email), PATIENCE, async || {
            let mails = self.mails(order);
            if mails.len() >= count { Ok(mails) } else { Err(format!("{mails:#?}")) }
        })
        .await;
        let ids: BTreeSet<&str> = mails.iter().map(|mail| mail.message_id.as_str()).collect();
        assert_eq!((mails.len(), ids.len()), (count, count), "{mails:#?}");
        mails
    }
}

/// Returns the contents of the finished mails in a directory, where each day has one; nothing if there is none yet.
fn files(directory: &Path) -> Vec<Vec<u8>> {
    let mails =
        paths(directory).flat_map(|day| paths(&day)).filter(|path| path.extension().is_some_and(|e| e == "eml"));
    mails.filter_map(|path| std::fs::read(path).ok()).collect()
}

fn paths(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
}
