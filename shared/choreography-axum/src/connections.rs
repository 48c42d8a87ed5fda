//! Accepts connections, and serves HTTP/1.1 on them.
//!
//! What must hold: callers who send nothing, or read nothing, can't keep others out. Their number is bounded, a header
//! and a write have a time limit, and while all places are taken, a new connection takes the place of the one that has
//! waited longest for its first request.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::sleep;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::Stopping;

/// How long a caller may take to send a request's header, also after the previous response: far longer than a slow
/// network, and short enough that an idle connection is closed before it is missed.
const HEADER_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a caller may read nothing while something is to be sent.
const WRITE_TIME_MAX: Duration = Duration::from_secs(20);
/// The pause after the system could not accept a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a caller may take of the service.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    connections_max: usize,
    header_time_max: Duration,
    write_time_max: Duration,
}

impl Limits {
    /// Returns the limits with this many connections.
    pub(crate) fn new(connections_max: usize) -> Self {
        Self { connections_max, header_time_max: HEADER_TIME_MAX, write_time_max: WRITE_TIME_MAX }
    }
}

/// Serves until the service stops; then waits for the requests that are running.
pub(crate) async fn serve_connections(listener: TcpListener, app: Router, limits: Limits, stopping: Stopping) {
    let connections = Connections {
        app,
        limits,
        places: Arc::new(Semaphore::new(limits.connections_max)),
        silent: Silent::default(),
        running: GracefulShutdown::new(),
    };
    tokio::select! {
        () = connections.accept_all(&listener) => (),
        () = stopping.begun() => (),
    }
    drop(listener);
    connections.running.shutdown().await;
}

struct Connections {
    app: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    silent: Silent,
    running: GracefulShutdown,
}

impl Connections {
    async fn accept_all(&self, listener: &TcpListener) {
        let mut is_failing = false;
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    if std::mem::take(&mut is_failing) {
                        tracing::info!("connections are accepted again");
                    }
                    self.begin(stream, peer, self.place().await);
                }
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => (), // the caller has gone away
                Err(error) => {
                    if !std::mem::replace(&mut is_failing, true) {
                        tracing::error!(%error, "no connection can be accepted: is the limit of open files reached?");
                    }
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    /// Waits for a place; where all are taken, ends the connection that has waited longest for its first request.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if self.places.available_permits() == 0 {
            self.silent.end_longest();
        }
        self.places.clone().acquire_owned().await.ok()
    }

    fn begin(&self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_time_max));
        let (app, silence) = (self.app.clone(), self.silent.begin());
        let ended = silence.ended.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            silence.break_off();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            app.clone().oneshot(request)
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.limits.header_time_max);
        let connection = self.running.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        tokio::spawn(async move {
            tokio::select! {
                _ = connection => (), // its error is the caller's: too slow, or gone away
                () = ended.cancelled() => (),
            }
            drop(place);
        });
    }
}

/// The connections that have not sent a request yet, in the order in which they came.
#[derive(Clone, Default)]
struct Silent(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Silent {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Silence {
        let mut waiting = self.waiting();
        let (number, ended) = (waiting.next, CancellationToken::new());
        waiting.next += 1;
        waiting.connections.insert(number, ended.clone());
        Silence { silent: self.clone(), number, ended }
    }

    fn end_longest(&self) {
        if let Some((_, longest)) = self.waiting().connections.pop_first() {
            longest.cancel();
        }
    }
}

/// A connection in [`Silent`], until its first request or its end.
struct Silence {
    silent: Silent,
    number: u64,
    ended: CancellationToken,
}

impl Silence {
    fn break_off(&self) {
        self.silent.waiting().connections.remove(&self.number);
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        self.break_off();
    }
}

#[cfg(test)]
mod tests;
