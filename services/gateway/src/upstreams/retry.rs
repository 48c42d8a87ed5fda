//! When a request is sent again: only if it may be, or nothing of it was sent, after a pause that grows, and not more
//! often than a share of all requests, so that a service in trouble is not asked even more.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{Response, StatusCode};
use tokio::time::sleep;
use tower::BoxError;
use tower::retry::Policy;
use tower::retry::budget::{Budget, TpsBudget};

use super::UpstreamRequest;
use super::instance::TryFailed;

/// How often a request is sent at most.
const TRIES_MAX: u32 = 4;
/// The pause after the first failure, doubled after each further one.
const PAUSE: Duration = Duration::from_millis(50);

/// Marks a request that may be sent again: executed twice, it is as if executed once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Repeatable;

/// Sends repeatable requests again. A clone is used for each request; the budget is common to all.
#[derive(Clone, Default)]
pub(super) struct RetryRepeatable {
    failures: u32,
    budget: Arc<TpsBudget>,
}

impl<B> Policy<UpstreamRequest, Response<B>, BoxError> for RetryRepeatable {
    type Future = Pin<Box<dyn Future<Output = ()> + Send>>;

    fn retry(
        &mut self,
        request: &mut UpstreamRequest,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        // Its own first try may still run there, after a time-out.
        let runs_still = self.failures > 0 && is_asked_to_come_back(result);
        if !is_failure(result) && !runs_still {
            self.budget.deposit();
            return None;
        }
        self.failures += 1;
        let may_be_repeated =
            request.extensions().get::<Repeatable>().is_some() || result.as_ref().err().is_some_and(was_not_sent);
        if !may_be_repeated || self.failures >= TRIES_MAX || !self.budget.withdraw() {
            return None;
        }
        Some(Box::pin(sleep(PAUSE * 2_u32.pow(self.failures - 1))))
    }

    fn clone_request(&mut self, request: &UpstreamRequest) -> Option<UpstreamRequest> {
        Some(request.clone())
    }
}

/// Whether nothing of a request was sent when it failed: it is safe to send any request again.
pub(super) fn was_not_sent(error: &BoxError) -> bool {
    error.downcast_ref::<TryFailed>().is_some_and(TryFailed::was_not_sent)
}

/// Whether a request with the same idempotency key runs already.
fn is_asked_to_come_back<B>(result: &Result<Response<B>, BoxError>) -> bool {
    let response = result.as_ref().ok().filter(|response| response.status() == StatusCode::CONFLICT);
    response.is_some_and(|response| response.headers().contains_key(RETRY_AFTER))
}

/// Whether another try may succeed: there was no response, or the instance says that it can't do it now.
fn is_failure<B>(result: &Result<Response<B>, BoxError>) -> bool {
    match result {
        Ok(response) => matches!(
            response.status(),
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
        ),
        Err(_) => true,
    }
}
