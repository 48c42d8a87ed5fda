//! A real nats-server on a free port, which can be killed, copied and restored.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use choreography::bus::jetstream::{JetStreamBus, JetStreamOptions};
use tempfile::TempDir;

use crate::until;

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

fn start(directory: &Path, port: u16) -> Child {
    Command::new(binary())
        .args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"])
        .arg(directory.join("store"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nats-server starts: set NATS_SERVER, or put it into .tools/bin")
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy_all(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

impl Server {
    pub(crate) async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let directory = TempDir::new().unwrap();
        let server = Self { process: start(directory.path(), port), port, directory };
        server.ready().await;
        server
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    async fn ready(&self) {
        until("nats-server is ready", || async {
            match async_nats::connect(self.url()).await {
                Ok(client) => client.request("$JS.API.INFO", "".into()).await.is_ok(),
                Err(_) => false,
            }
        })
        .await;
    }

    pub(crate) async fn client(&self) -> async_nats::Client {
        async_nats::connect(self.url()).await.unwrap()
    }

    pub(crate) fn bus(&self, service: &str) -> JetStreamBus {
        JetStreamBus::new(JetStreamOptions::new(self.url(), service))
    }

    /// kill -9.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) async fn start_again(&mut self) {
        self.process = start(self.directory.path(), self.port);
        self.ready().await;
    }

    /// A copy of what a killed server has on its disk.
    pub(crate) fn copy(&self) -> TempDir {
        let copy = TempDir::new().unwrap();
        copy_all(&self.directory.path().join("store"), copy.path());
        copy
    }

    /// Puts a copy in the place of what a killed server has.
    pub(crate) fn restore(&self, copy: &TempDir) {
        std::fs::remove_dir_all(self.directory.path().join("store")).unwrap();
        copy_all(copy.path(), &self.directory.path().join("store"));
    }
}
