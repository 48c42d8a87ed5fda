//! Requests that are executed once, however often they are sent.

use std::fmt::Display;

use axum::extract::{FromRequest, FromRequestParts};
use choreography::{Idempotency, IdempotencyKey, Request};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use uuid::Uuid;

use crate::caller::{KEY_BYTES_MAX, idempotency_key};
use crate::json::{read, read_tree};
use crate::{Caller, CallerIdentity, Problem};

/// A JSON body under the caller's `idempotency-key`: sent again with the same key, the command is executed once, and
/// the first reply comes back.
///
/// Without a key it is executed each time, unless the handler calls [`required`](Self::required). The key counts for
/// this method and path, and for one caller if the handler says who that is, [`by`](Self::by). The same key with another
/// body is a 422, and a 409 while the first request still runs; both come from
/// [`Service::execute_as`](choreography::Service::execute_as). White space, the order of keys and `1.0` for `1` make no
/// other body. The body is read as [`Json`](crate::Json) is. In `/openapi.json` the header is described by
/// `params(OptionalKey)` or `params(RequiredKey)`.
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
    /// Lets the key count for one caller only, whom the body names: others may choose the same key. The subject of a
    /// gateway's token comes first.
    pub fn by<C: Display>(mut self, caller: impl FnOnce(&T) -> C) -> Self {
        if let Some(idempotency) = self.request.idempotency.as_mut().filter(|known| known.key.caller.is_empty()) {
            idempotency.key.caller = caller(&self.body).to_string();
        }
        self
    }

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
        let subject = parts.extensions.get::<CallerIdentity>().map(|caller| caller.subject.clone());
        let tree = read_tree(axum::extract::Request::from_parts(parts, body)).await?;
        let body_hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, tree.to_string().as_bytes()).to_string();
        let idempotency = key.map(|key| Idempotency {
            key: IdempotencyKey { route, caller: subject.unwrap_or_default(), key },
            body_hash,
        });
        Ok(Self { body: read(tree)?, request: Request { idempotency, ..caller } })
    }
}

/// An `idempotency-key` header that may be left out, for an operation's `params(..)`.
#[derive(Debug, Clone, Copy)]
pub struct OptionalKey;

/// An `idempotency-key` header that must be there, for an operation's `params(..)`.
#[derive(Debug, Clone, Copy)]
pub struct RequiredKey;

impl IntoParams for OptionalKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header(Required::False)]
    }
}

impl IntoParams for RequiredKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![header(Required::True)]
    }
}

fn header(required: Required) -> Parameter {
    let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(KEY_BYTES_MAX));
    ParameterBuilder::new()
        .name("idempotency-key")
        .parameter_in(ParameterIn::Header)
        .required(required)
        .description(Some(
            "Sent again with the same key, the request is executed once, and the first reply comes back.",
        ))
        .schema(Some(text.pattern(Some("^[!-~]+$"))))
        .build()
}
