//! A TCP proxy that can cut what goes through it, in the middle of a word.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};

/// Never cut.
const NEVER: i64 = i64::MAX;

/// Forwards connections to a port of this machine. It lives as long as the process; cut it, and it takes new
/// connections at once.
pub struct Proxy {
    port: u16,
    line: Arc<Line>,
}

#[derive(Default)]
struct Line {
    connections: Mutex<Vec<TcpStream>>,
    /// How many more bytes the server may be sent before everything is cut.
    upward_left: AtomicI64,
    cuts: AtomicU64,
}

impl Proxy {
    /// Listens, and forwards to `target`.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub fn to(target: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("binding the proxy")?;
        let port = listener.local_addr()?.port();
        let line = Arc::new(Line { upward_left: AtomicI64::new(NEVER), ..Line::default() });
        let accepting = line.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target)) {
                    let _ = accepting.join(client, server);
                }
            }
        });
        Ok(Self { port, line })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Cuts every connection once so many more bytes have gone to the server: what was under way is lost, and so
    /// are the answers.
    pub fn cut_after(&self, bytes: u32) {
        self.line.upward_left.store(bytes.into(), Ordering::SeqCst);
    }

    /// How often it has cut.
    pub fn cuts(&self) -> u64 {
        self.line.cuts.load(Ordering::SeqCst)
    }
}

impl Line {
    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut connections = self.connections.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        connections.extend([client.try_clone()?, server.try_clone()?]);
        let (client_too, server_too, line) = (client.try_clone()?, server.try_clone()?, self.clone());
        std::thread::spawn(move || line.upward(client, server));
        std::thread::spawn(move || forward(server_too, client_too));
        Ok(())
    }

    fn upward(&self, mut from: TcpStream, mut to: TcpStream) {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read) = from.read(&mut buffer) {
            if read == 0 {
                break;
            }
            let size = i64::try_from(read).expect("a buffer's size");
            let left = self.upward_left.load(Ordering::SeqCst);
            if left == NEVER {
                if to.write_all(&buffer[..read]).is_err() {
                    break;
                }
                continue;
            }
            let allowed = usize::try_from(left.clamp(0, size)).expect("is between 0 and the buffer's size");
            let _ = to.write_all(&buffer[..allowed]);
            if self.upward_left.fetch_sub(size, Ordering::SeqCst) <= size {
                self.cut();
                break;
            }
        }
        let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
    }

    fn cut(&self) {
        self.upward_left.store(NEVER, Ordering::SeqCst);
        self.cuts.fetch_add(1, Ordering::SeqCst);
        for connection in self.connections.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}
