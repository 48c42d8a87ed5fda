//! How a letter leaves the house: into a directory, or to an SMTP server.
//!
//! A letter sent twice has one `Message-ID`, so that a mail program, or the directory, has it once.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};
use uuid::Uuid;

use crate::letter::Letter;
use crate::spool::Spool;

/// How long the mail server may take for each step of a conversation.
const SMTP_TIME_MAX: Duration = Duration::from_secs(10);
/// At most so many connections to the mail server, which would rather not have more.
const SMTP_CONNECTIONS_MAX: u32 = 8;

/// Whom mails are from if nobody says otherwise.
pub const FROM: &str = "Shop <shop@localhost>";
/// Where mails are put if nobody says otherwise.
pub const DIRECTORY: &str = ".data/mail";

/// Sends letters.
pub struct Mailer {
    from: Mailbox,
    post: Post,
}

enum Post {
    Directory(Spool),
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
}

impl Default for Mailer {
    fn default() -> Self {
        Self::to_directory(FROM.parse().expect("it is an address: a test sends from it"), DIRECTORY.into())
    }
}

impl Mailer {
    /// One file for each mail, `<message id>.eml`, in a directory that is made with the first one.
    pub fn to_directory(from: Mailbox, directory: PathBuf) -> Self {
        Self { from, post: Post::Directory(Spool::new(directory)) }
    }

    /// A mail server: `smtp://host:port`, `smtp://host:port?tls=required` (STARTTLS) or `smtps://user:password@host`.
    /// Its connections are kept open, so it must be called in a tokio runtime.
    ///
    /// # Errors
    /// When the URL is none.
    pub fn to_server(from: Mailbox, url: &str) -> Result<Self> {
        let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).context("reading SMTP_URL")?;
        let pool = PoolConfig::new().max_size(SMTP_CONNECTIONS_MAX);
        Ok(Self { from, post: Post::Smtp(smtp.timeout(Some(SMTP_TIME_MAX)).pool_config(pool).build()) })
    }

    /// Sends a letter under this id. Sent again, only its date differs.
    ///
    /// # Errors
    /// When it was not accepted; it may be tried again.
    pub async fn send(&self, letter: &Letter, id: Uuid, now: Timestamp) -> Result<()> {
        let mail = self.mail(letter, id, now)?;
        match &self.post {
            Post::Smtp(smtp) => smtp.send(mail).await.map(drop).context("handing the mail to the mail server"),
            Post::Directory(spool) => spool.put(id, mail.formatted()).await,
        }
    }

    fn mail(&self, letter: &Letter, id: Uuid, now: Timestamp) -> Result<Message> {
        let mail = Message::builder()
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .date(now.into())
            .from(self.from.clone())
            .to(Mailbox::new(None, letter.to.clone()))
            .subject(letter.subject.clone())
            .header(ContentType::TEXT_PLAIN)
            .body(letter.body.clone());
        mail.context("writing the mail")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0001);
    const NOON: &str = "2026-03-01T12:00:00Z";

    fn letter(body: &str) -> Letter {
        Letter { to: "ada@example.com".parse().unwrap(), subject: "Schöne Grüße".into(), body: body.into() }
    }

    #[tokio::test]
    async fn a_mail_that_is_sent_twice_is_one_file() {
        let directory = tempfile::tempdir().unwrap();
        let mailer = Mailer::to_directory(FROM.parse().unwrap(), directory.path().join("mail"));
        for body in ["tea — 2 pieces", "tea — 3 pieces"] {
            mailer.send(&letter(body), ID, NOON.parse().unwrap()).await.unwrap();
        }
        let files: Vec<_> = std::fs::read_dir(directory.path().join("mail")).unwrap().flatten().collect();
        assert_eq!(files.len(), 1);
        assert_eq!(files[0].file_name().to_string_lossy(), format!("{ID}.eml"));
    }

    #[test]
    fn a_mail_says_from_whom_to_whom_when_and_what_in_ascii() {
        let mail = Mailer::default().mail(&letter("tea — 2 pieces"), ID, NOON.parse().unwrap()).unwrap().formatted();
        let text = String::from_utf8(mail).unwrap();
        for line in [
            format!("Message-ID: <{ID}@localhost>"),
            "Date: Sun, 01 Mar 2026 12:00:00 +0000".into(),
            "From: Shop <shop@localhost>".into(),
            "To: ada@example.com".into(),
            "Subject: =?utf-8?b?U2Now7ZuZSBHcsO8w59l?=".into(),
            "Content-Type: text/plain; charset=utf-8".into(),
            "Content-Transfer-Encoding: quoted-printable".into(),
            "tea =E2=80=94 2 pieces".into(),
        ] {
            assert!(text.lines().any(|actual| actual == line), "no {line:?} in {text}");
        }
        assert!(text.is_ascii());
    }

    #[tokio::test]
    async fn a_servers_url_is_checked_at_the_start() {
        for (url, good) in [("smtp://localhost:2525", true), ("smtps://me:secret@mail.example", true), ("mail", false)]
        {
            assert_eq!(Mailer::to_server(FROM.parse().unwrap(), url).is_ok(), good, "{url}");
        }
    }
}
