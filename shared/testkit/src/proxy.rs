//! A TCP proxy that can cut its connections, also in the middle of a message, slow them down, or stop passing anything on,
//! or only what the server replies.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::net::sockopt::set_tcp_quickack;

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
    /// Both ends of each connection that has not ended, by its number.
    connections: BTreeMap<u64, [TcpStream; 2]>,
    frozen: bool,
    /// Whether nothing that the server sends is passed on.
    muted: bool,
    /// The number of the last connection on which nothing is passed on any more; connections are counted from 1.
    silent_up_to: u64,
    /// How much later everything is passed on.
    delay: Duration,
    /// How many more bytes go to the server before everything is cut; `None` without end.
    upward_bytes_left: Option<usize>,
    accepted: u64,
    ended: u64,
    cuts: u64,
}

/// One connection among those that were accepted.
#[derive(Clone, Copy)]
struct Accepted {
    number: u64,
    /// How many cuts there were before it.
    cuts: u64,
}

/// What may be passed on to the server.
struct Allowance {
    bytes: usize,
    then_cut: bool,
    delay: Duration,
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
                let accepted = accepting.accept();
                if let Ok(server) = TcpStream::connect(("127.0.0.1", target)) {
                    let _ = accepting.join(accepted, client, server);
                }
            }
        });
        Ok(Self { port, link })
    }

    /// Returns the port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
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

    /// Passes nothing on any more, and closes nothing, until the next cut or [`Proxy::thaw`].
    pub fn freeze(&self) {
        self.link.state().frozen = true;
    }

    /// Passes on again what was held back since [`Proxy::freeze`], and what follows.
    pub fn thaw(&self) {
        self.link.state().frozen = false;
        self.link.thawed.notify_all();
    }

    /// Passes nothing on any more over the connections that there are, and closes none of them, as when the other end has
    /// gone without a word. New ones pass.
    pub fn silence(&self) {
        let mut state = self.link.state();
        state.silent_up_to = state.accepted;
    }

    /// Passes everything on so much later: at most 16 KiB at once, each way.
    pub fn delay(&self, delay: Duration) {
        self.link.state().delay = delay;
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

    /// Counts a connection.
    fn accept(&self) -> Accepted {
        let mut state = self.state();
        state.accepted += 1;
        Accepted { number: state.accepted, cuts: state.cuts }
    }

    fn join(self: &Arc<Self>, accepted: Accepted, client: TcpStream, server: TcpStream) -> std::io::Result<()> {
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        self.state().connections.insert(accepted.number, [client.try_clone()?, server.try_clone()?]);
        let (other_client, other_server) = (client.try_clone()?, server.try_clone()?);
        let (upward, downward) = (self.clone(), self.clone());
        std::thread::spawn(move || upward.forward_up(client, server, accepted));
        std::thread::spawn(move || downward.forward_down(other_server, other_client, accepted));
        Ok(())
    }

    fn forward_up(&self, mut from: TcpStream, mut to: TcpStream, accepted: Accepted) {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            // A client that writes a request in two pieces waits for the acknowledgement of the first, which would come
            // 40 ms later. Where this can't be set, it does.
            let _ = set_tcp_quickack(&from, true);
            let read = from.read(&mut buffer).unwrap_or(0);
            let Some(allowance) = self.allow(read, accepted) else { break };
            std::thread::sleep(allowance.delay);
            let written = to.write_all(&buffer[..allowance.bytes]);
            if allowance.then_cut {
                self.cut();
            }
            if read == 0 || written.is_err() || allowance.then_cut {
                break;
            }
        }
        close(&from, &to);
        let mut state = self.state();
        state.ended += 1;
        state.connections.remove(&accepted.number);
    }

    fn forward_down(&self, mut from: TcpStream, mut to: TcpStream, accepted: Accepted) {
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            let read = from.read(&mut buffer).unwrap_or(0);
            let passing = self.passing(accepted).map(|state| (state.muted, state.delay));
            let Some((muted, delay)) = passing else { break };
            std::thread::sleep(delay);
            if read == 0 || (!muted && to.write_all(&buffer[..read]).is_err()) {
                break;
            }
        }
        close(&from, &to);
    }

    /// Waits while nothing passes over a connection. Returns nothing for one that was cut.
    fn passing(&self, accepted: Accepted) -> Option<MutexGuard<'_, State>> {
        let Accepted { number, cuts } = accepted;
        let is_held = |state: &mut State| (state.frozen || number <= state.silent_up_to) && state.cuts == cuts;
        let waited = self.thawed.wait_while(self.state(), is_held);
        let state = waited.unwrap_or_else(|poisoned| poisoned.into_inner());
        (state.cuts == cuts).then_some(state)
    }

    /// Takes `bytes` from what may go to the server.
    fn allow(&self, bytes: usize, accepted: Accepted) -> Option<Allowance> {
        let mut state = self.passing(accepted)?;
        let delay = state.delay;
        let Some(left) = state.upward_bytes_left else { return Some(Allowance { bytes, then_cut: false, delay }) };
        state.upward_bytes_left = Some(left.saturating_sub(bytes));
        Some(Allowance { bytes: bytes.min(left), then_cut: left <= bytes, delay })
    }

    fn cut(&self) {
        let mut state = self.state();
        state.cuts += 1;
        (state.frozen, state.muted) = (false, false);
        state.delay = Duration::ZERO;
        state.upward_bytes_left = None;
        for [client, server] in std::mem::take(&mut state.connections).into_values() {
            close(&client, &server);
        }
        self.thawed.notify_all();
    }
}

fn close(one: &TcpStream, other: &TcpStream) {
    let _ = (one.shutdown(Shutdown::Both), other.shutdown(Shutdown::Both));
}
