//! Hands a request on to a service, and its response back.

use axum::body::Body;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{FromRequest, RawPathParams, Request, State};
use axum::http::header::{ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Response};
use axum::response::IntoResponse;
use choreography_axum::{Problem, Stopping, WholeBody};
use futures::StreamExt;
use order::http::followers::Place;

use super::access::Address;
use super::exposed::{Access, Exposed};
use crate::gateway::Gateway;
use crate::identity::{Identity, token_missing};
use crate::upstreams::Ask;

/// What of a request a service gets to see.
const REQUEST_HEADERS: [HeaderName; 6] = [
    ACCEPT,
    CONTENT_TYPE,
    CONTENT_ENCODING,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("last-event-id"),
    HeaderName::from_static("traceparent"),
];
/// What of a response a caller gets to see.
const RESPONSE_HEADERS: [HeaderName; 6] = [CONTENT_TYPE, CACHE_CONTROL, ETAG, RETRY_AFTER, ALLOW, LOCATION];

/// Hands a request on if the caller may do it.
pub(super) async fn forward(
    exposed: &'static Exposed,
    State(gateway): State<Gateway>,
    identity: Option<Identity>,
    stopping: Stopping,
    parameters: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> axum::response::Response {
    let parameters = match parameters {
        Ok(parameters) => parameters,
        Err(rejection) => return Problem::bad_request("invalid-path", rejection.body_text()).into_response(),
    };
    // Before order is asked: whoever follows too many stories costs it nothing.
    let place = match identity.filter(|_| exposed.access == Access::FollowedOrder).map(follow).transpose() {
        Ok(place) => place,
        Err(problem) => return problem.into_response(),
    };
    let query = match (exposed.access, identity) {
        (Access::Everyone, _) => Ok(request.uri().query().unwrap_or_default().to_owned()),
        (_, None) => return token_missing(),
        (access, Some(identity)) => {
            let query = request.uri().query().unwrap_or_default();
            access.check(&gateway, &identity, Address { parameters: &parameters, query }).await
        }
    };
    let asked = match query {
        Ok(query) => ask(exposed, identity, &query, request).await,
        Err(problem) => Err(problem),
    };
    match asked {
        Ok(ask) => match gateway.upstreams.send(ask).await {
            Ok(response) => handed_back(response, stopping, place),
            Err(problem) => problem.into_response(),
        },
        Err(problem) => problem.into_response(),
    }
}

/// Returns the request to the service.
async fn ask(exposed: &Exposed, identity: Option<Identity>, query: &str, request: Request) -> Result<Ask, Problem> {
    let path = request.uri().path();
    let path = path.strip_prefix("/api").unwrap_or(path);
    let path_and_query = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
    let mut ask = Ask::new(exposed.upstream, exposed.method.clone(), path_and_query);
    let headers = request.headers();
    for name in REQUEST_HEADERS {
        for value in headers.get_all(&name) {
            ask = ask.header(name.clone(), value.clone());
        }
    }
    if exposed.repeatable || headers.contains_key("idempotency-key") {
        ask = ask.repeatable();
    }
    if let Some(identity) = identity {
        ask = ask.by(&identity);
    }
    let WholeBody(body) = WholeBody::from_request(request, &()).await?;
    Ok(ask.body(body))
}

/// Takes a place for a caller who follows a story.
fn follow(caller: Identity) -> Result<Place, Problem> {
    Place::take(caller.customer_id)
}

/// Returns the service's response as the caller gets it. A stream of events ends when the gateway stops, and keeps the
/// caller's place until its end.
fn handed_back(response: Response<Body>, stopping: Stopping, place: Option<Place>) -> axum::response::Response {
    let (parts, body) = response.into_parts();
    let is_stream =
        parts.headers.get(CONTENT_TYPE).is_some_and(|media| media.as_bytes().starts_with(b"text/event-stream"));
    let body = if is_stream {
        let events = body.into_data_stream().take_until(stopping.begun());
        Body::from_stream(events.map(move |event| {
            let _held_as_long_as_the_response_lasts = &place;
            event
        }))
    } else {
        body
    };
    let mut handed = Response::new(body);
    *handed.status_mut() = parts.status;
    for name in RESPONSE_HEADERS {
        if let Some(value) = parts.headers.get(&name) {
            let value = if name == LOCATION { under_api(value) } else { value.clone() };
            handed.headers_mut().insert(name, value);
        }
    }
    handed
}

/// Returns a location at a service as one at the gateway.
fn under_api(location: &HeaderValue) -> HeaderValue {
    let path = location.to_str().ok().filter(|path| path.starts_with('/'));
    path.and_then(|path| HeaderValue::from_str(&format!("/api{path}")).ok()).unwrap_or_else(|| location.clone())
}
