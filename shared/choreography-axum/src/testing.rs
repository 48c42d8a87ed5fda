//! Calling a service's routes in a test, without a socket.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, header};
use choreography::testing::Harness;
use choreography::{Choreography, Service, Settings};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use utoipa_axum::router::OpenApiRouter;
use uuid::Uuid;

use crate::{Stopping, router};

/// A client of a service's routes, without a socket. Its methods panic when what they do fails, as a test should.
///
/// The service runs in a [`Harness`], or anywhere else.
///
/// ```
/// use choreography::testing::Harness;
/// use choreography::{Choreography, Command, Row};
/// use choreography_axum::testing::TestClient;
/// use choreography_axum::post_command;
/// use serde::{Deserialize, Serialize};
/// use serde_json::json;
/// use utoipa::ToSchema;
/// use utoipa_axum::router::OpenApiRouter;
///
/// #[derive(Clone, Serialize, Deserialize, ToSchema, Command)]
/// #[command(name = "open-door", key = door, row = Door)]
/// struct OpenDoor { door: u32 }
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, Row)]
/// #[row(table = "door", key = u32)]
/// struct Door { open: bool }
///
/// fn open_door(_: &OpenDoor, door: &mut Option<Door>) {
///     *door = Some(Door { open: true });
/// }
///
/// let house = Harness::of([Choreography::new("house").command(open_door)]);
/// let routes = OpenApiRouter::new().routes(post_command::<OpenDoor>("/doors", "Opens a door."));
/// let client = TestClient::new(house.service("house"), routes);
/// let reply = house.block_on(client.call("POST", "/doors", json!({"door": 1})));
/// assert_eq!(reply, (200, json!({"open": true})));
/// ```
pub struct TestClient {
    router: Router,
}

impl TestClient {
    /// Returns a client of a running service, with these routes and those that every service has.
    pub fn new(service: &Service, routes: OpenApiRouter<Service>) -> Self {
        Self { router: router(service.clone(), routes, Stopping::default()) }
    }

    /// Sends a request with a JSON body, and returns the status and the body of the response, null if it has none.
    ///
    /// The idempotency key is made of method, path and body: the same call again is the same request.
    ///
    /// # Panics
    /// When the response's body is not JSON.
    pub async fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let key = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{method} {path} {body}").as_bytes());
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/json");
        let request = request.header("idempotency-key", key.to_string()).body(Body::from(body.to_string()));
        let response = self.router.clone().oneshot(request.expect("a request that can be made")).await;
        let (parts, body) = response.unwrap_or_else(|never| match never {}).into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("a body of JSON") };
        (parts.status.as_u16(), body)
    }
}

/// One service in a [`Harness`], with a client of its routes.
pub struct TestFace {
    /// The harness that the service runs in.
    pub harness: Harness,
    client: TestClient,
}

impl TestFace {
    /// Starts a service in a name space of message types, and returns it with its routes.
    ///
    /// # Panics
    /// As [`Harness::start`].
    pub fn start(choreography: Choreography, namespace: &str, routes: OpenApiRouter<Service>) -> Self {
        let (name, namespace) = (choreography.service(), namespace.to_owned());
        let harness = Harness::start([choreography], Settings { namespace, ..Settings::default() }, 0);
        let client = TestClient::new(harness.service(name), routes);
        Self { harness, client }
    }

    /// Sends a request as [`TestClient::call`] does, in the harness's time.
    pub fn call(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.harness.block_on(self.client.call(method, path, body))
    }
}
