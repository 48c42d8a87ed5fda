//! What a form sent.

use axum::extract::{FromRequest, Request};
use choreography_axum::Problem;
use serde::de::DeserializeOwned;

use super::fault::Fault;

/// The fields of a form; what can't be read is a page that says so.
pub(super) struct Form<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Form<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        match axum::Form::from_request(request, state).await {
            Ok(axum::Form(fields)) => Ok(Self(fields)),
            Err(rejection) => Err(Problem::bad_request("form-unreadable", rejection.body_text()).into()),
        }
    }
}
