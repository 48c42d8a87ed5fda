//! Requests that are executed once, however often they are sent.

use axum::extract::{FromRequest, FromRequestParts};
use choreography::{Idempotency, IdempotencyKey, Request};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::caller::idempotency_key;
use crate::json::read_json;
use crate::{Caller, Problem};

/// A JSON body under the caller's `idempotency-key`: sent again with the same key, the command is executed once, and
/// the first reply comes back.
///
/// Without a key it is executed each time, unless the handler calls [`required`](Self::required). The key counts for
/// this method and path. The same key with another body is a 422, and a 409 while the first request still runs; both
/// come from [`Service::execute_as`](choreography::Service::execute_as). The body is read as [`Json`](crate::Json) is.
///
/// ```
/// # use axum::extract::State;
/// # use choreography::{Command, Service};
/// # use choreography_axum::{Idempotent, Json, Problem};
/// async fn add_dealer<C: Command>(
///     State(service): State<Service>,
///     new: Idempotent<C>,
/// ) -> Result<Json<C::Row>, Problem> {
///     let Idempotent { body, request } = new.required()?;
///     Ok(Json(service.execute_as(body, request).await?))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Idempotent<T> {
    /// The body.
    pub body: T,
    /// The caller's trace, key, and a hash of the body.
    pub request: Request,
}

impl<T> Idempotent<T> {
    /// Returns the request if it has a key.
    ///
    /// # Errors
    /// 400 if the caller sent no key.
    pub fn required(self) -> Result<Self, Problem> {
        if self.request.idempotency.is_some() {
            return Ok(self);
        }
        let detail =
            "send an `idempotency-key` header, such as a UUID: sent again with the same key, this is done only once";
        Err(Problem::bad_request("idempotency-key-missing", detail))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Idempotent<T> {
    type Rejection = Problem;

    async fn from_request(request: axum::extract::Request, state: &S) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let Caller(caller) = Caller::from_request_parts(&mut parts, state).await?;
        let key = idempotency_key(&parts.headers)?;
        let route = format!("{} {}", parts.method, parts.uri.path());
        let (value, bytes) = read_json(axum::extract::Request::from_parts(parts, body)).await?;
        let idempotency = key.map(|key| Idempotency {
            key: IdempotencyKey { route, caller: String::new(), key },
            body_hash: Uuid::new_v5(&Uuid::NAMESPACE_OID, &bytes).to_string(),
        });
        Ok(Self { body: value, request: Request { idempotency, ..caller } })
    }
}
