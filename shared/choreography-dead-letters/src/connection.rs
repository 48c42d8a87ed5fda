//! Connects to the message server. Somebody waits at a terminal, so a failure is reported at once.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_nats::{Client, ConnectErrorKind, ConnectOptions};
use choreography::bus::jetstream::without_login;

use crate::arguments::Server;

/// How long the server may take to accept the connection, and to reply to a request.
const REPLY_TIME_MAX: Duration = Duration::from_secs(5);

/// Connects to the message server.
///
/// # Errors
/// The server can't be reached or does not accept the user; the error is one line.
pub(crate) async fn connect(server: &Server) -> Result<Client> {
    let Server { nats_url, nats_user, nats_password } = server;
    let urls: Vec<&str> = nats_url.split(',').map(str::trim).collect();
    let options = ConnectOptions::with_user_and_password(nats_user.clone(), nats_password.clone());
    let options = options.name("dead-letters").connection_timeout(REPLY_TIME_MAX).request_timeout(Some(REPLY_TIME_MAX));
    let shown = without_login(nats_url);
    match options.connect(urls.as_slice()).await {
        Ok(client) => Ok(client),
        Err(error) => match error.kind() {
            ConnectErrorKind::ServerParse => Err(error).context("reading NATS_URL"),
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                bail!("{shown} does not let {nats_user} in: is ADMIN_PASSWORD the server's?")
            }
            _ => bail!("no message server at {shown}: {error}; is it running, and is NATS_URL right?"),
        },
    }
}
