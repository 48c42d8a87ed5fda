//! Sends mails: to an SMTP server, or as files into a directory.
//!
//! A mail that is sent twice has one `Message-ID`, so that a mail program, or the directory, shows it once.

use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use lettre::AsyncTransport as _;
use lettre::message::header::{ContentType, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp;
use lettre::transport::stub;
use lettre::transport::stub::AsyncStubTransport;
use uuid::Uuid;

use crate::mail::Mail;
use crate::smtp::SmtpServer;
use crate::spool::Spool;

/// The default sender of mails.
pub const FROM: &str = "Shop <shop@localhost>";
/// The default directory of mails.
pub const DIRECTORY: &str = ".data/mail";

/// Sends mails.
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

enum Transport {
    Directory(Spool),
    Smtp(SmtpServer),
    Memory(AsyncStubTransport),
}

/// Why a mail could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// The mail server's URL can't be read.
    #[error("reading SMTP_URL")]
    Url(#[source] smtp::Error),
    /// The mail can't be written.
    #[error("writing the mail")]
    Content(#[source] lettre::error::Error),
    /// The mail server did not take it.
    #[error("handing the mail to the mail server")]
    Server(#[source] smtp::Error),
    /// The mail server has refused the mail, or its mailbox, for good.
    #[error("the mail server refuses the mail")]
    Refused(#[source] smtp::Error),
    /// The test lets it fail.
    #[error("keeping the mail in memory")]
    Memory(#[source] stub::Error),
    /// The file can't be written.
    #[error("putting the mail into the directory")]
    Directory(#[source] io::Error),
}

impl MailError {
    /// Whether another try can't succeed: the mail can't be written, or the server has refused it for good.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Content(_) | Self::Refused(_))
    }
}

impl Default for Mailer {
    fn default() -> Self {
        Self::to_directory(FROM.parse().expect("it is an address: a test sends from it"), DIRECTORY.into())
    }
}

impl Mailer {
    /// Makes a mailer that writes each mail to a file, `<day>/<message id>.eml`, in a directory that is made with the
    /// first one. The day is that of UTC.
    pub fn to_directory(from: Mailbox, directory: PathBuf) -> Self {
        Self { from, transport: Transport::Directory(Spool::new(directory)) }
    }

    /// Makes a mailer for a mail server: `smtp://host:port`, `smtp://host:port?tls=required` (STARTTLS) or
    /// `smtps://user:password@host`. Nothing connects before the first mail.
    ///
    /// # Errors
    /// When the URL can't be read.
    pub fn to_server(from: Mailbox, url: &str) -> Result<Self, MailError> {
        Ok(Self { from, transport: Transport::Smtp(SmtpServer::new(url).map_err(MailError::Url)?) })
    }

    /// Makes a mailer for tests, which keeps each mail in memory.
    pub fn to_memory(from: Mailbox, mails: AsyncStubTransport) -> Self {
        Self { from, transport: Transport::Memory(mails) }
    }

    /// Sends a mail under this id. Sent again, only its date differs.
    ///
    /// # Errors
    /// When the mail was not accepted; it may be sent again.
    pub async fn send(&self, mail: &Mail, id: Uuid, now: Timestamp) -> Result<(), MailError> {
        let message = self.message(mail, id, now)?;
        match &self.transport {
            Transport::Smtp(smtp) => smtp.send(message).await,
            Transport::Memory(mails) => mails.send(message).await.map_err(MailError::Memory),
            Transport::Directory(spool) => spool.put(id, now, message.formatted()).await.map_err(MailError::Directory),
        }
    }

    fn message(&self, mail: &Mail, id: Uuid, now: Timestamp) -> Result<Message, MailError> {
        let message = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(now.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, mail.to.clone()))
            .subject(mail.subject.clone())
            .header(MIME_VERSION_1_0) // without it the headers about the body mean nothing
            .header(ContentType::TEXT_PLAIN)
            .body(mail.body.clone());
        message.map_err(MailError::Content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0001);
    const NOON: &str = "2026-03-01T12:00:00Z";

    fn mail(body: &str) -> Mail {
        Mail { to: "ada@example.com".parse().unwrap(), subject: "Schöne Grüße".into(), body: body.into() }
    }

    #[tokio::test]
    async fn a_mail_that_is_sent_twice_is_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let mailer = Mailer::to_directory(FROM.parse().unwrap(), directory.path().join("mail"));
        for body in ["tea — 2 pieces", "tea — 3 pieces"] {
            mailer.send(&mail(body), ID, NOON.parse().unwrap()).await.unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(directory.path().join("mail/2026-03-01")).unwrap().flatten().collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].file_name().to_string_lossy(), format!("{ID}.eml"));
    }

    #[tokio::test]
    async fn a_mail_that_is_sent_again_after_midnight_is_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let mailer = Mailer::to_directory(FROM.parse().unwrap(), directory.path().to_owned());
        for moment in ["2026-03-01T23:59:59Z", "2026-03-02T00:00:01Z"] {
            mailer.send(&mail("tea"), ID, moment.parse().unwrap()).await.unwrap();
        }
        let days: Vec<_> = std::fs::read_dir(directory.path()).unwrap().flatten().map(|day| day.file_name()).collect();
        assert_eq!(days, ["2026-03-01"]);
        mailer.send(&mail("mug"), Uuid::max(), "2026-03-02T00:00:01Z".parse().unwrap()).await.unwrap();
        assert!(directory.path().join(format!("2026-03-02/{}.eml", Uuid::max())).exists());
    }

    #[test]
    fn a_mail_has_a_sender_a_recipient_a_date_and_a_subject_in_ascii() {
        let message = Mailer::default().message(&mail("tea — 2 pieces"), ID, NOON.parse().unwrap());
        let text = String::from_utf8(message.unwrap().formatted()).unwrap();
        for line in [
            format!("Message-ID: <{ID}@localhost>"),
            "Date: Sun, 01 Mar 2026 12:00:00 +0000".into(),
            "From: Shop <shop@localhost>".into(),
            "To: ada@example.com".into(),
            "Subject: =?utf-8?b?U2Now7ZuZSBHcsO8w59l?=".into(),
            "MIME-Version: 1.0".into(),
            "Content-Type: text/plain; charset=utf-8".into(),
            "Content-Transfer-Encoding: quoted-printable".into(),
            "tea =E2=80=94 2 pieces".into(),
        ] {
            assert!(text.lines().any(|actual| actual == line), "no {line:?} in {text}");
        }
        assert!(text.is_ascii());
    }

    #[tokio::test]
    async fn the_url_of_a_mail_server_is_checked_at_the_start() {
        for (url, good) in [("smtp://localhost:2525", true), ("smtps://me:secret@mail.example", true), ("mail", false)]
        {
            assert_eq!(Mailer::to_server(FROM.parse().unwrap(), url).is_ok(), good, "{url}");
        }
    }
}
