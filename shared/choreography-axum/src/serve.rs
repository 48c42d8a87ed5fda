//! Serves a service's HTTP face until the process gets a signal to stop.

use std::future::{Future, IntoFuture};
use std::io::{Error, ErrorKind};
use std::pin::Pin;
use std::time::Duration;

use axum::{Extension, Router};
use choreography::{Service, stop_signal};
use tokio::net::TcpListener;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;

use crate::connections::{Limits, serve_connections};
use crate::descriptors::room_for;
use crate::health::Requirements;
use crate::settings::CONNECTIONS_MAX_DEFAULT;
use crate::{GatewayKey, Settings, Stopping, identity, request_metrics, router};

/// The default address of HTTP.
const LISTEN_DEFAULT: &str = "127.0.0.1:8080";
/// How long requests may take to finish once the service stops.
const REQUESTS_FINISH_MAX: Duration = Duration::from_secs(3);
/// How long running effects, which have 5 seconds, and the batch may take after that. Together with the requests it takes
/// less than the 10 seconds after which supervisors commonly kill.
const BATCH_FINISHES_MAX: Duration = Duration::from_millis(6_500);

/// Serves a service's routes, health, metrics and `/openapi.json` until SIGTERM or Ctrl-C. Then requests and the batch
/// are finished, within 10 seconds.
///
/// It listens at `127.0.0.1:8080`; [`with`](Serve::with) takes the settings, and [`at`](Serve::at) another address. A
/// caller has 10 seconds for a request's header and 8 for its body, and may read nothing for 20. At most 4,096
/// connections are open (`HTTP_CONNECTIONS_MAX`), fewer where the system allows fewer open files: beyond that a new one
/// takes the place of the one that has waited longest for a request, or waits.
///
/// ```no_run
/// # use choreography::{Service, stop_signal};
/// # use choreography_axum::{Failure, serve};
/// # use utoipa_axum::router::OpenApiRouter;
/// # async fn run(service: Service, routes: OpenApiRouter<Service>) -> Result<(), Failure> {
/// serve(service, routes).at("0.0.0.0:8082").await?;
/// # Ok(())
/// # }
/// ```
pub fn serve(service: Service, routes: OpenApiRouter<Service>) -> Serve {
    Serve {
        service,
        routes,
        address: LISTEN_DEFAULT.to_owned(),
        connections_max: CONNECTIONS_MAX_DEFAULT as usize,
        gateway: None,
        requirements: Requirements::default(),
        around: Box::new(|app| app),
    }
}

/// A service that is about to be served: awaited, it serves until SIGTERM or Ctrl-C.
#[must_use = "nothing is served until it is awaited"]
pub struct Serve {
    service: Service,
    routes: OpenApiRouter<Service>,
    address: String,
    connections_max: usize,
    gateway: Option<GatewayKey>,
    requirements: Requirements,
    around: Box<dyn FnOnce(Router) -> Router + Send>,
}

/// Why a service is not served, or not any more.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Another process listens at the address.
    #[error(
        "{0} is taken: another process listens there, perhaps this service. Stop it, or choose another port with \
         --listen or LISTEN=<address>:<port>"
    )]
    AddressTaken(String),
    /// The address can't be listened at.
    #[error("cannot listen at {address}: choose another address with --listen or LISTEN")]
    Listen {
        /// The address.
        address: String,
        /// The error of the operating system.
        #[source]
        error: Error,
    },
    /// The signals that stop the process can't be received.
    #[error("listening for SIGTERM and SIGINT")]
    Signals(#[source] Error),
    /// The service ended itself: its name, and why.
    #[error("{0} ended itself: {1}")]
    Ended(&'static str, String),
}

impl Serve {
    /// Chooses the address, as `address:port`; [`Settings::listen`](crate::Settings::listen) is one.
    pub fn at(self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self }
    }

    /// Takes the address, the number of connections, and the gateway that must be in front, from the service's settings.
    pub fn with(self, settings: &Settings) -> Self {
        Self {
            address: settings.listen.clone(),
            connections_max: settings.http_connections_max as usize,
            gateway: settings.require_gateway.clone(),
            ..self
        }
    }

    /// Requires something of the service's own: while `check` returns why it is not there, `/readyz` responds with a 503
    /// that says so, as `<name>: <why>`. It is called with each request for `/readyz`, and must not block.
    pub fn requires(
        mut self,
        name: &'static str,
        check: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.requirements.add(name, check);
        self
    }

    /// Adds layers around everything that is served: also around what exists in every service, and around its problems.
    pub fn around(self, around: impl FnOnce(Router) -> Router + Send + 'static) -> Self {
        Self { around: Box::new(around), ..self }
    }

    async fn run(self) -> Result<(), ServeError> {
        let Self { service, routes, address, connections_max, gateway, requirements, around } = self;
        let stopping = Stopping::default();
        let app = router(service.clone(), routes, stopping.clone()).layer(Extension(requirements));
        let app = around(identity::required(app, service.name(), gateway));
        let served = match listen(&address).await {
            Ok(listener) => {
                let limits = Limits::new(room_for(connections_max));
                serve_until_stopped(&service, (app, stopping), listener, &address, limits).await
            }
            Err(error) => Err(error),
        };
        if timeout(BATCH_FINISHES_MAX, service.stop()).await.is_err() {
            tracing::warn!("the last batch did not finish in time: what is not committed is received again");
        }
        served
    }
}

impl IntoFuture for Serve {
    type Output = Result<(), ServeError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

async fn listen(address: &str) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => ServeError::AddressTaken(address.to_owned()),
        _ => ServeError::Listen { address: address.to_owned(), error },
    })
}

/// Serves until a signal comes or the service ends by itself; then lets the requests finish.
async fn serve_until_stopped(
    service: &Service,
    (app, stopping): (Router, Stopping),
    listener: TcpListener,
    address: &str,
    limits: Limits,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_or_else(|_| address.to_owned(), |address| address.to_string());
    let name = service.name();
    let serving = tokio::spawn(serve_connections(listener, app, limits, stopping.clone()));
    tracing::info!("{name} is served at http://{address}");
    let ended = tokio::select! {
        signal = stop_signal() => {
            signal.map(|signal| tracing::info!("{name} stops: {signal}")).map_err(ServeError::Signals)
        }
        why = service.failed() => Err(ServeError::Ended(name, why)),
        never = request_metrics::upkeep() => match never {},
    };
    stopping.begin();
    if timeout(REQUESTS_FINISH_MAX, serving).await.is_err() {
        tracing::warn!("some requests did not finish in time: their connections are closed");
    }
    ended
}
