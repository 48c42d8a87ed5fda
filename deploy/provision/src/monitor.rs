//! Reads from the server's monitoring port how soon it syncs to the disk. It is not in the JetStream API.

use std::time::Duration;

use anyhow::{Context, Result};
use choreography::Settings;
use choreography::bus::jetstream::without_login;
use choreography::provision::FileSync;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONNECTION, HOST};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long the monitoring port may take to reply. It is a hint for the operator: provisioning does not depend on it.
const REPLY_TIME_MAX: Duration = Duration::from_secs(2);

/// Returns a sentence about what a power cut may lose, or why that is not known.
pub async fn describe_file_sync(monitor_url: &str) -> String {
    let kept = Settings::default().outbox_kept;
    match tokio::time::timeout(REPLY_TIME_MAX, file_sync(monitor_url)).await {
        Ok(Ok(sync)) if sync.is_covered_by(kept) => sync.to_string(),
        Ok(Ok(sync)) => format!("{sync}. By default they keep them for {kept:?}: shorten sync_interval"),
        Ok(Err(error)) => unknown(monitor_url, &format!("{error:#}")),
        Err(_) => unknown(monitor_url, &format!("no reply within {REPLY_TIME_MAX:?}")),
    }
}

fn unknown(monitor_url: &str, why: &str) -> String {
    let url = without_login(monitor_url);
    format!("how often the server syncs to the disk (sync_interval) is unknown: {url}: {why}")
}

async fn file_sync(monitor_url: &str) -> Result<FileSync> {
    let url: Uri = monitor_url.parse().context("reading NATS_MONITOR_URL")?;
    let host = without_login(url.authority().context("the URL has no host")?.as_str());
    let stream = TcpStream::connect((url.host().unwrap_or_default(), url.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    let request = Request::get("/varz").header(HOST, host).header(CONNECTION, "close").body(Empty::<Bytes>::new())?;
    let reply =
        async { Ok::<_, anyhow::Error>(sender.send_request(request).await?.into_body().collect().await?.to_bytes()) };
    let (reply, _) = tokio::join!(reply, connection);
    FileSync::from_varz(&reply?).context("/varz has no sync_interval: is JetStream on?")
}
