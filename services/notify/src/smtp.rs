//! Sends mails to an SMTP server, over connections that are kept open.
//!
//! What must hold: a connection on which a mail was given up half-way is never used again. The next mail on it would be
//! taken for a part of the one before, and the replies would be those to other commands.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lettre::message::Message;
use lettre::transport::smtp;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::response::Category;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Tokio1Executor};

use crate::mailer::MailError;

/// How long connecting to the mail server may take. The time of a try bounds all the rest.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(10);
/// The largest number of connections to the mail server that are kept open: one for each mail that is sent at once. Postfix
/// refuses more than 50 of one client.
const SMTP_CONNECTIONS_MAX: u32 = 32;

type Connections = AsyncSmtpTransport<Tokio1Executor>;

/// A mail server.
pub(crate) struct SmtpServer {
    url: String,
    /// None before the first mail, and after one was given up half-way.
    connections: Mutex<Option<Connections>>,
}

/// Gives up all connections when it is dropped before the mail was sent or refused.
struct Sending<'a> {
    server: &'a SmtpServer,
    ended: bool,
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        if !self.ended {
            *self.server.connections.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl SmtpServer {
    /// Returns the server of a URL. Nothing connects before the first mail.
    ///
    /// # Errors
    /// When the URL can't be read.
    pub(crate) fn new(url: &str) -> Result<Self, smtp::Error> {
        Connections::from_url(url)?;
        Ok(Self { url: url.to_owned(), connections: Mutex::new(None) })
    }

    /// Sends a mail.
    ///
    /// # Errors
    /// When the server did not take it: [`MailError::Refused`] if it has refused this mail, or its mailbox, for good.
    pub(crate) async fn send(&self, message: Message) -> Result<(), MailError> {
        let connections = self.connections().map_err(MailError::Server)?;
        let mut sending = Sending { server: self, ended: false };
        let sent = connections.send(message).await;
        // A server that refuses every client (with 554 as its greeting) has not looked at the mail.
        let is_of_mail = sent.as_ref().is_err_and(is_refused_for_good) && connections.test_connection().await.is_ok();
        sending.ended = true;
        sent.map(drop).map_err(if is_of_mail { MailError::Refused } else { MailError::Server })
    }

    fn connections(&self) -> Result<Connections, smtp::Error> {
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connections) = &*connections {
            return Ok(connections.clone());
        }
        let pool = PoolConfig::new().max_size(SMTP_CONNECTIONS_MAX);
        let made = Connections::from_url(&self.url)?.timeout(Some(CONNECT_TIME_MAX)).pool_config(pool).build();
        Ok(connections.insert(made).clone())
    }
}

/// Whether the server has refused a mail, a mailbox or a client for good. Other replies that SMTP calls permanent, to a
/// password or to a command, are about the server's or our own set-up: an operator can mend that.
fn is_refused_for_good(error: &smtp::Error) -> bool {
    error.is_permanent() && error.status().is_some_and(|code| code.category == Category::MailSystem)
}
