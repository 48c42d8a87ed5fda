//! A real nats-server on a free port, with a store of its own and users as a system has them.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use choreography::{
    bus::jetstream::{JetStreamBus, JetStreamOptions},
    provision::{ConsumerPlan, Plan, StreamPlan, provision},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{soon, until};

pub(crate) struct Server {
    process: Child,
    port: u16,
    directory: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Where the binary is: `NATS_SERVER`, the workspace's tools, or the path.
fn binary() -> PathBuf {
    let tool = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.tools/bin/nats-server");
    match std::env::var_os("NATS_SERVER") {
        Some(named) => named.into(),
        None if tool.exists() => tool,
        None => "nats-server".into(),
    }
}

fn start(directory: &Path) -> Child {
    Command::new(binary())
        .arg("-c")
        .arg(directory.join("nats.conf"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server starts: set NATS_SERVER, or put it into .tools/bin")
}

fn configuration(port: u16, directory: &Path) -> String {
    let directory = directory.display();
    format!(
        r#"
        listen: "127.0.0.1:{port}"
        jetstream {{ store_dir: "{directory}", max_file_store: 1GB, max_memory_store: 64MB, sync_interval: "1s" }}
        accounts {{ SHOP {{ jetstream: enabled, users: [
          {{ user: admin, password: secret }},
          {{ user: payment, password: secret, permissions {{
            publish: {{ allow: [ "payment.*.*", "dead.payment.>", "$JS.API.STREAM.INFO.EVENTS",
                                 "$JS.API.CONSUMER.INFO.EVENTS.payment-0", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.payment-0",
                                 "$JS.API.CONSUMER.RESET.EVENTS.payment-0" ] }}
            subscribe: {{ allow: [ "_INBOX_payment.>" ] }} }} }} ] }} }}
        "#
    )
}

impl Server {
    /// Starts one, with nothing on it.
    pub(crate) async fn empty() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("nats.conf"), configuration(port, directory.path())).unwrap();
        let server = Self { process: start(directory.path()), port, directory };
        server.ready().await;
        server
    }

    /// Starts one with the streams of a small system.
    pub(crate) async fn provisioned() -> Self {
        let server = Self::empty().await;
        provision(&server.admin().await, &plan()).await.unwrap();
        server
    }

    async fn ready(&self) {
        until("nats-server is ready", || async {
            match self.try_admin().await {
                Ok(admin) => admin.request("$JS.API.INFO", "".into()).await.is_ok(),
                Err(_) => false,
            }
        })
        .await;
    }

    /// As a power cut does: kill -9.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) async fn start_again(&mut self) {
        self.process = start(self.directory.path());
        self.ready().await;
    }

    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    async fn try_admin(&self) -> Result<async_nats::Client, async_nats::ConnectError> {
        let options = async_nats::ConnectOptions::with_user_and_password("admin".to_owned(), "secret".to_owned());
        options.connect(self.address()).await
    }

    pub(crate) async fn admin(&self) -> async_nats::Client {
        soon("connecting", self.try_admin()).await.unwrap()
    }

    pub(crate) fn options(&self, user: &str) -> JetStreamOptions {
        JetStreamOptions {
            user: user.to_owned(),
            password: "secret".to_owned(),
            publishers: vec!["order".to_owned(), "payment".to_owned()],
            ..JetStreamOptions::new(format!("nats://{}", self.address()), user)
        }
    }

    pub(crate) fn bus(&self, user: &str) -> JetStreamBus {
        JetStreamBus::new(self.options(user))
    }

    pub(crate) async fn add_consumer(&self, name: &str, filters: &[&str]) {
        let plan = Plan { streams: vec![], consumers: vec![consumer(name, filters)] };
        provision(&self.admin().await, &plan).await.unwrap();
    }
}

pub(crate) fn plan() -> Plan {
    let subjects = ["order.*.*", "payment.*.*"].map(str::to_owned).into();
    let bytes = 64 * 1024 * 1024;
    Plan { streams: vec![StreamPlan::events(subjects, bytes), StreamPlan::dead_letters(bytes)], consumers: vec![] }
}

pub(crate) fn consumer(name: &str, filters: &[&str]) -> ConsumerPlan {
    let filter_subjects = filters.iter().map(|filter| (*filter).to_owned()).collect();
    ConsumerPlan { stream: "EVENTS".to_owned(), name: name.to_owned(), filter_subjects }
}

/// Asks the JetStream API; its answer, be it an error.
pub(crate) async fn ask(client: &async_nats::Client, subject: &str, request: Value) -> Value {
    let payload = if request.is_null() { String::new() } else { request.to_string() };
    let answer = client.request(subject.to_owned(), payload.into()).await.unwrap();
    serde_json::from_slice(&answer.payload).unwrap()
}
