//! A TCP proxy that can cut its connections, also in the middle of a message, or stop passing anything on, or only what
//! the server replies.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};

use anyhow::{Context, Result};

const BUFFER_BYTES: usize = 16 * 1024;

/// Forwards connections to a port of this machine. After a cut it accepts new connections at once.
pub struct Proxy {
    port: u16,
    link: Arc<Link>,
}

#[derive(Default)]
struct Link {
    state: Mutex<State>,
    thawed: Condvar,
}

#[derive(Default)]
struct State {
    connections: Vec<TcpStream>,
    frozen: bool,
    /// Whether nothing that the server sends is passed on.
    muted: bool,
    /// How many more bytes go to the server before everything is cut; `None` without end.
    upward_bytes_left: Option<usize>,
    accepted: u64,
    ended: u64,
    cuts: u64,
}

/// What may be passed on to the server.
struct Allowance {
    bytes: usize,
    then_cut: bool,
}

impl Proxy {
    /// Listens, and forwards to `target`.
    ///
    /// # Errors
    /// When there is no port to listen on.
    pub fn to(target: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("binding the proxy")?;
        let port = listener.local_addr()?.port();
        let link = Arc::new(Link::default());
        let accepting = link.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                accepting.state().accepted += 1;
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target)) {
                    let _ = accepting.join(client, server);
                }
            }
        });
        Ok(Self { port, link })
    }

    /// Returns where it listens, as a NATS URL.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Closes every connection; new ones pass.
    pub fn cut(&self) {
        self.link.cut();
    }

    /// Closes every connection once so many more bytes have gone to the server: messages under way are lost, and so
    /// are the replies.
    pub fn cut_after(&self, bytes: u32) {
        self.link.state().upward_bytes_left = Some(usize::try_from(bytes).unwrap_or(usize::MAX));
    }

    /// Passes nothing on any more, and closes nothing, until the next cut.
    pub fn freeze(&self) {
        self.link.state().frozen = true;
    }

    /// Passes on what goes to the server, and nothing that comes from it, until the next cut: what is published is
    /// stored, and its acknowledgement is lost.
    pub fn mute(&self) {
        self.link.state().muted = true;
    }

    /// Returns how often it has cut.
    pub fn cuts(&self) -> u64 {
        self.link.state().cuts
    }

    /// Returns how many connections it has accepted.
    pub fn accepted(&self) -> u64 {
        self.link.state().accepted
    }

    /// Returns how many of the accepted connections were cut or closed by one of the ends.
    pub fn ended(&self) -> u64 {
        self.link.state().ended
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.link.cut();
    }
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn join(self: &Arc<Self>, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let mut state = self.state();
        state.connections.extend([client.try_clone()?, server.try_clone()?]);
        let (cuts, other_client, other_server) = (state.cuts, client.try_clone()?, server.try_clone()?);
        let (upward, downward) = (self.clone(), self.clone());
        std::thread::spawn(move || upward.forward_up(client, server, cuts));
        std::thread::spawn(move || downward.forward_down(other_server, other_client, cuts));
        Ok(())
    }

    fn forward_up(&self, mut from: TcpStream, mut to: TcpStream, cuts: u64) {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            let Some(allowance) = self.allow(read, cuts) else { break };
            let written = to.write_all(&buffer[..allowance.bytes]);
            if allowance.then_cut {
                self.cut();
            }
            if read == 0 || written.is_err() || allowance.then_cut {
                break;
            }
        }
        close(&from, &to);
        self.state().ended += 1;
    }

    fn forward_down(&self, mut from: TcpStream, mut to: TcpStream, cuts: u64) {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            let Some(muted) = self.unfrozen(cuts).map(|state| state.muted) else { break };
            if read == 0 || (!muted && to.write_all(&buffer[..read]).is_err()) {
                break;
            }
        }
        close(&from, &to);
    }

    /// Waits while the proxy is frozen. Returns nothing for a connection that was cut: `cuts` is how many cuts there
    /// were when it was accepted.
    fn unfrozen(&self, cuts: u64) -> Option<MutexGuard<'_, State>> {
        let waited = self.thawed.wait_while(self.state(), |state| state.frozen && state.cuts == cuts);
        let state = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        (state.cuts == cuts).then_some(state)
    }

    /// Takes `bytes` from what may go to the server.
    fn allow(&self, bytes: usize, cuts: u64) -> Option<Allowance> {
        let mut state = self.unfrozen(cuts)?;
        let Some(left) = state.upward_bytes_left else { return Some(Allowance { bytes, then_cut: false }) };
        state.upward_bytes_left = Some(left.saturating_sub(bytes));
        Some(Allowance { bytes: bytes.min(left), then_cut: left <= bytes })
    }

    fn cut(&self) {
        let mut state = self.state();
        state.cuts += 1;
        (state.frozen, state.muted) = (false, false);
        state.upward_bytes_left = None;
        for connection in state.connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
        self.thawed.notify_all();
    }
}

fn close(one: &TcpStream, other: &TcpStream) {
    let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
}
