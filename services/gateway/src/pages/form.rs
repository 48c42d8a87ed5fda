//! What a form sent.

use axum::extract::{FromRequest, Request};
use choreography_axum::Problem;
use serde::de::DeserializeOwned;

/// The fields of a form; what can't be read is a 400.
pub(super) struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Form::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(rejection) => Err(Problem::bad_request("form-unreadable", rejection.body_text())),
        }
    }
}
