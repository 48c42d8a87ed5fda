//! How a service reaches its JetStream server.

use std::future::ready;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event, ServerAddr};

use crate::bus::{BusError, Stream};
use crate::wire::dead_letter::{DEAD_LETTERS, EVENTS};

/// How long nothing may come from the server before the client asks whether it lives. At the third time without a reply
/// the connection is lost: one that neither end has closed costs three seconds. The server replies before it does
/// anything that may take longer, so one that is merely busy is not lost.
pub(super) const PING_EVERY: Duration = Duration::from_secs(1);

/// The pause between two attempts to connect for requests. It does not grow: a server that is back is found soon.
const RECONNECT_PAUSE: Duration = Duration::from_millis(250);

/// How a service reaches its JetStream server.
#[derive(Debug, Clone)]
pub struct JetStreamOptions {
    /// `nats://host:port`; several URLs, separated by commas, are tried one after the other.
    pub url: String,
    /// The user; empty for a server without users. Replies come to `_INBOX_<user>.>`, the only subjects that it
    /// needs permission to subscribe to, except for stories.
    pub user: String,
    /// The user's password.
    pub password: String,
    /// The service's name, which the server shows beside the connection.
    pub service: String,
    /// The stream of events.
    pub stream: String,
    /// The publishers whose subjects are subscribed to in order to follow a story. Only for
    /// [`Stories`](crate::bus::Stories).
    pub publishers: Vec<String>,
    /// How long the server may take to reply, to acknowledge, and to accept a connection.
    pub ack_timeout: Duration,
    /// The interval of the server's heartbeats on an idle pull subscription; after two missed ones the connection is
    /// lost.
    pub heartbeat: Duration,
}

impl JetStreamOptions {
    /// Returns options for the stream `EVENTS` without a user, with five seconds for a reply and between heartbeats.
    pub fn new(url: impl Into<String>, service: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            user: String::new(),
            password: String::new(),
            service: service.into(),
            stream: EVENTS.to_owned(),
            publishers: Vec::new(),
            ack_timeout: Duration::from_secs(5),
            heartbeat: Duration::from_secs(5),
        }
    }

    /// Returns a client for requests and replies beside the choreography, as the service's user. It connects in the
    /// background, and again when the connection is lost: until then requests are not replied to.
    ///
    /// # Errors
    /// When a URL is no address of a NATS server.
    pub async fn request_client(&self) -> Result<Client, BusError> {
        self.check()?;
        let is_lost = AtomicBool::default();
        let options = match self.user.is_empty() {
            true => ConnectOptions::new(),
            false => ConnectOptions::with_user_and_password(self.user.clone(), self.password.clone()),
        };
        let options = options
            .name(&self.service)
            .custom_inbox_prefix(self.inbox_prefix())
            .connection_timeout(self.ack_timeout)
            .request_timeout(Some(self.ack_timeout))
            .ping_interval(PING_EVERY)
            .reconnect_delay_callback(|_| RECONNECT_PAUSE)
            .ignore_discovered_servers()
            .retry_on_initial_connect()
            .event_callback(move |event| {
                log_trouble(&event, &is_lost);
                ready(())
            });
        let client = options.connect(self.urls().collect::<Vec<_>>()).await;
        client.map_err(|error| BusError::Lost(error.to_string()))
    }

    /// Checks that each URL is the address of a NATS server.
    pub(super) fn check(&self) -> Result<(), BusError> {
        for url in self.urls() {
            let wrong =
                |error| BusError::Refused(format!("{} is no address of a NATS server: {error}", without_login(url)));
            url.parse::<ServerAddr>().map_err(wrong)?;
        }
        match self.urls().next() {
            Some(_) => Ok(()),
            None => Err(BusError::Refused("there is no address of a NATS server".to_owned())),
        }
    }

    /// Returns the URLs.
    pub(super) fn urls(&self) -> impl Iterator<Item = &str> {
        self.url.split(',').map(str::trim).filter(|url| !url.is_empty())
    }

    /// Returns the name of a stream.
    pub(super) fn stream(&self, stream: Stream) -> &str {
        match stream {
            Stream::Events => &self.stream,
            Stream::DeadLetters => DEAD_LETTERS,
        }
    }

    /// Returns the prefix of the subjects that replies come to.
    pub(super) fn inbox_prefix(&self) -> String {
        inbox_prefix(if self.user.is_empty() { &self.service } else { &self.user })
    }
}

/// Logs what goes wrong on the connection for requests: once that it is lost, however often connecting fails then.
fn log_trouble(event: &Event, is_lost: &AtomicBool) {
    match event {
        Event::Disconnected | Event::ClientError(_) if !is_lost.swap(true, Ordering::Relaxed) => {
            tracing::warn!(%event, "the connection for requests is lost: it is made anew");
        }
        Event::Connected if is_lost.swap(false, Ordering::Relaxed) => {
            tracing::info!("the connection for requests is made anew");
        }
        Event::ServerError(_) | Event::SlowConsumer(_) => {
            tracing::warn!(%event, "the connection for requests has a problem");
        }
        _ => {}
    }
}

/// Returns a server's URL, or several separated by commas, without user and password: for logs and errors.
///
/// ```
/// # use choreography::bus::jetstream::without_login;
/// assert_eq!(without_login("nats://admin:secret@localhost:4222"), "nats://localhost:4222");
/// ```
pub fn without_login(urls: &str) -> String {
    let shown = urls.split(',').map(|url| {
        let host = url.rsplit_once('@').map(|(_, host)| host);
        match url.split_once("://") {
            // What stands before `://` may be a part of a login that is not written as it must be.
            Some((scheme, rest)) if !scheme.contains('@') => format!("{scheme}://{}", host.unwrap_or(rest)),
            _ => host.unwrap_or(url).to_owned(),
        }
    });
    shown.collect::<Vec<_>>().join(",")
}

/// Returns the prefix of the subjects that a user's replies come to.
pub(crate) fn inbox_prefix(user: &str) -> String {
    format!("_INBOX_{user}")
}

/// The defaults for a server at this URL; a service adds its name when it starts.
impl From<&str> for JetStreamOptions {
    fn from(url: &str) -> Self {
        Self::new(url, "")
    }
}

/// The defaults for a server at this URL; a service adds its name when it starts.
impl From<String> for JetStreamOptions {
    fn from(url: String) -> Self {
        Self::new(url, "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_address_of_a_server_is_refused_without_its_login() {
        for url in ["nats://a:4222", "a", "127.0.0.1:4222", "tls://admin:secret@a, nats://b"] {
            assert_eq!(JetStreamOptions::new(url, "payment").check(), Ok(()), "{url}");
        }
        for url in ["", ",", "http://admin:secret@a:4222", "nats://a:4222,natz://b", "nats://:0:0"] {
            let refused = JetStreamOptions::new(url, "payment").check().unwrap_err().to_string();
            assert!(refused.contains("address of a NATS server") && !refused.contains("secret"), "{url}: {refused}");
        }
    }

    #[test]
    fn the_login_of_an_address_is_never_shown() {
        for (urls, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("nats://admin:se:cr@t@a:4222,tls://token@b", "nats://a:4222,tls://b"),
            ("admin:secret@localhost", "localhost"),
            ("admin:secret@.nats://a:4222", ".nats://a:4222"),
            ("", ""),
        ] {
            assert_eq!(without_login(urls), shown);
        }
    }
}
