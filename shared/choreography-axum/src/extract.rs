//! What stands in a request's address: refused with a problem when it can't be read.

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Problem;

/// Parameters of the path, such as an id. What is no id at all is a 400, not a 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        read.map(|path| Self(path.0)).map_err(|rejection| {
            if rejection.status() != StatusCode::BAD_REQUEST {
                tracing::error!(%rejection, "a route and its handler disagree about the path's parameters");
                return Problem::internal();
            }
            Problem::bad_request("invalid-path", format!("in {}: {}", parts.uri.path(), rejection.body_text()))
        })
    }
}

/// Parameters of the query. For unknown ones to be refused, the type says `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::from_request_parts(parts, state).await;
        read.map(|query| Self(query.0)).map_err(|rejection: QueryRejection| {
            let query = parts.uri.query().unwrap_or_default();
            Problem::bad_request("invalid-query", format!("in ?{query}: {}", rejection.body_text()))
        })
    }
}
