//! The way in. Somebody is waiting at a terminal: what does not work is said at once.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_nats::{Client, ConnectErrorKind, ConnectOptions};

use crate::arguments::Server;

/// How long the server may take to let us in, and to answer.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// Connects to the message server.
///
/// # Errors
/// What is in the way, in one line.
pub(crate) async fn connect(server: &Server) -> Result<Client> {
    let Server { nats_url, nats_user, nats_password } = server;
    let urls: Vec<&str> = nats_url.split(',').map(str::trim).collect();
    let options = ConnectOptions::with_user_and_password(nats_user.clone(), nats_password.clone());
    let options = options.name("dead-letters").connection_timeout(ANSWER_MAX).request_timeout(Some(ANSWER_MAX));
    match options.connect(urls.as_slice()).await {
        Ok(client) => Ok(client),
        Err(error) => match error.kind() {
            ConnectErrorKind::ServerParse => Err(error).context("reading NATS_URL"),
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                bail!("{nats_url} does not let {nats_user} in: is ADMIN_PASSWORD the server's?")
            }
            _ => bail!("no message server at {nats_url}: {error}; is it running, and is NATS_URL right?"),
        },
    }
}
