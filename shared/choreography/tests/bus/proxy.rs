//! A TCP proxy that can cut its connections, or stop passing anything on, while it goes on accepting new ones.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp},
    sync::watch,
    task::JoinHandle,
};

#[derive(Clone, Copy, PartialEq)]
enum Wire {
    Passes,
    Frozen,
    /// Connections accepted before this many cuts are closed.
    Cut(u64),
}

pub(crate) struct Proxy {
    address: String,
    wire: watch::Sender<Wire>,
    accepted: Arc<AtomicU64>,
    ended: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (wire, accepted, ended) = (watch::Sender::new(Wire::Passes), Arc::default(), Arc::default());
        let counts = (Arc::clone(&accepted), Arc::clone(&ended));
        let accepting = tokio::spawn(accept(listener, server, wire.clone(), counts));
        Self { address, wire, accepted, ended, accepting }
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Closes every connection; new ones pass.
    pub(crate) fn cut(&self) {
        self.wire.send_replace(Wire::Cut(self.accepted()));
    }

    /// Passes nothing on any more, and closes nothing.
    pub(crate) fn freeze(&self) {
        self.wire.send_replace(Wire::Frozen);
    }

    /// How many connections were made.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// How many of them were cut or have been closed by who made them.
    pub(crate) fn ended(&self) -> u64 {
        self.ended.load(Ordering::SeqCst)
    }
}

type Counts = (Arc<AtomicU64>, Arc<AtomicU64>);

async fn accept(listener: TcpListener, server: String, wire: watch::Sender<Wire>, (accepted, ended): Counts) {
    while let Ok((client, _)) = listener.accept().await {
        let number = accepted.fetch_add(1, Ordering::SeqCst) + 1;
        let Ok(upstream) = TcpStream::connect(&server).await else { continue };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), upstream.into_split());
        let (up, ended) = (pass(from_client, to_server, wire.subscribe(), number), ended.clone());
        tokio::spawn(async move {
            up.await;
            ended.fetch_add(1, Ordering::SeqCst);
        });
        tokio::spawn(pass(from_server, to_client, wire.subscribe(), number));
    }
}

async fn pass(
    mut from: tcp::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    mut wire: watch::Receiver<Wire>,
    number: u64,
) -> Option<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let now = *wire.borrow_and_update();
        match now {
            Wire::Cut(until) if number <= until => return None,
            Wire::Frozen => wire.changed().await.ok()?,
            _ => tokio::select! {
                biased;
                changed = wire.changed() => changed.ok()?,
                read = from.read(&mut buffer) => match read.ok()? {
                    0 => return None,
                    count => to.write_all(&buffer[..count]).await.ok()?,
                },
            },
        }
    }
}
