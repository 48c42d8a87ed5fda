//! Connects to a message server that may still be starting.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use async_nats::{Client, ConnectErrorKind, ConnectOptions};
use choreography::bus::jetstream::without_login;

/// How long to wait before the server is tried again.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Connects as soon as the server accepts connections.
///
/// # Errors
/// There is no server within `wait_max`, the URL is none, or the server does not accept the user.
pub async fn connect(url: &str, user: &str, password: &str, wait_max: Duration) -> Result<Client> {
    let mut last_error = String::new();
    let connected = tokio::time::timeout(wait_max, retry(url, user, password, &mut last_error)).await;
    connected.unwrap_or_else(|_| bail!("no message server at {} within {wait_max:?}: {last_error}", without_login(url)))
}

async fn retry(url: &str, user: &str, password: &str, last_error: &mut String) -> Result<Client> {
    let urls: Vec<&str> = url.split(',').map(str::trim).collect();
    loop {
        let options = ConnectOptions::with_user_and_password(user.to_owned(), password.to_owned());
        match options.connect(urls.as_slice()).await {
            Ok(client) => return Ok(client),
            Err(error) => match error.kind() {
                ConnectErrorKind::ServerParse => return Err(error).context("reading NATS_URL"),
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                    bail!("{} does not let {user} in: is ADMIN_PASSWORD the server's?", without_login(url))
                }
                _ => *last_error = error.to_string(),
            },
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}
