//! The parameters of a request's address. For those that can't be read the caller gets a problem.

use axum::extract::FromRequestParts;
use axum::extract::rejection::QueryRejection;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Problem;

/// Parameters of the path, such as an id: axum's [`Path`](axum::extract::Path) with problems.
///
/// What can't be an id at all is a 400, not a 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|rejection| {
            if rejection.status() != StatusCode::BAD_REQUEST {
                tracing::error!(%rejection, "a route and its handler disagree about the path's parameters, a bug: the caller gets a 500");
                return Problem::internal();
            }
            Problem::bad_request("invalid-path", rejection.body_text())
        })
    }
}

/// Parameters of the query: axum's [`Query`](axum::extract::Query) with problems.
///
/// `#[serde(deny_unknown_fields)]` on the type makes unknown parameters a 400.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let read = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        read.map(|read| Self(read.0)).map_err(|rejection| invalid_query(&rejection))
    }
}

/// Returns the problem of a query that can't be read. It does not repeat the query, which is not the caller's own behind a
/// gateway that adds to it.
pub(crate) fn invalid_query(rejection: &QueryRejection) -> Problem {
    Problem::bad_request("invalid-query", rejection.body_text())
}
