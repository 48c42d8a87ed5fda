//! Accepts connections, and serves HTTP/1.1 on them.
//!
//! What must hold: callers who send nothing, or read nothing, can't keep others out. Their number is bounded, a header
//! and a write have a time limit, and while all places are taken, a new connection takes the place of the one that has
//! had no request for the longest time.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use hyper::body::{Frame, Incoming, SizeHint};
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
        idle: Idle::default(),
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
    idle: Idle,
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

    /// Waits for a place; where all are taken, ends the connection that has had no request for the longest time.
    async fn place(&self) -> Option<OwnedSemaphorePermit> {
        if self.places.available_permits() == 0 {
            self.idle.end_longest();
        }
        self.places.clone().acquire_owned().await.ok()
    }

    fn begin(&self, stream: TcpStream, peer: SocketAddr, place: Option<OwnedSemaphorePermit>) {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(self.limits.write_time_max));
        let (app, idle) = (self.app.clone(), self.idle.begin());
        let ended = idle.ended.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let busy = idle.clone().busy();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let response = app.clone().oneshot(request);
            async move { response.await.map(|response| response.map(|body| Sent { body, _busy: busy })) }
        });
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(self.limits.header_time_max);
        let connection = self.running.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        tokio::spawn(async move {
            tokio::select! {
                biased; // what was sent already, or can be, goes first
                _ = connection => (), // its error is the caller's: too slow, or gone away
                () = ended.cancelled() => (),
            }
            drop(place);
        });
    }
}

/// The connections without a request, in the order in which that began.
#[derive(Clone, Default)]
struct Idle(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    connections: BTreeMap<u64, CancellationToken>,
}

impl Idle {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self) -> Arc<Connection> {
        let connection = Connection { idle: self.clone(), number: AtomicU64::new(0), ended: CancellationToken::new() };
        connection.wait();
        Arc::new(connection)
    }

    fn end_longest(&self) {
        if let Some((_, longest)) = self.waiting().connections.pop_first() {
            longest.cancel();
        }
    }
}

/// A connection, which is in [`Idle`] while it has no request.
struct Connection {
    idle: Idle,
    number: AtomicU64,
    ended: CancellationToken,
}

impl Connection {
    fn wait(&self) {
        let mut waiting = self.idle.waiting();
        let number = waiting.next;
        waiting.next += 1;
        waiting.connections.insert(number, self.ended.clone());
        self.number.store(number, Ordering::Relaxed);
    }

    fn stop_waiting(&self) {
        self.idle.waiting().connections.remove(&self.number.load(Ordering::Relaxed));
    }

    fn busy(self: Arc<Self>) -> Busy {
        self.stop_waiting();
        Busy(self)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.stop_waiting();
    }
}

/// A request on a connection, until it is dropped.
struct Busy(Arc<Connection>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.wait();
    }
}

/// The body of a response: its connection is busy until it is sent.
struct Sent {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
