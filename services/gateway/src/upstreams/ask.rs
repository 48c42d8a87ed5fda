//! A request to a service behind the gateway.

use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use bytes::Bytes;
use http_body_util::Full;
use serde_json::Value;

use super::identity_tokens::IdentityTokens;
use super::retry::Repeatable;
use super::{Upstream, UpstreamRequest};
use crate::identity::Identity;

/// A request to a service: what is asked, and on whose behalf.
#[derive(Debug, Clone)]
pub struct Ask {
    pub(super) upstream: Upstream,
    method: Method,
    path_and_query: String,
    headers: HeaderMap,
    body: Bytes,
    pub(super) repeatable: bool,
    identity: Option<Identity>,
}

impl Ask {
    /// Returns a request to the path, and query, of a service, without a body.
    pub fn new(upstream: Upstream, method: Method, path_and_query: impl Into<String>) -> Self {
        let repeatable = matches!(method, Method::GET | Method::HEAD | Method::PUT | Method::DELETE);
        Self {
            upstream,
            method,
            path_and_query: path_and_query.into(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            repeatable,
            identity: None,
        }
    }

    /// Returns a GET request.
    pub fn get(upstream: Upstream, path_and_query: impl Into<String>) -> Self {
        Self::new(upstream, Method::GET, path_and_query)
    }

    /// Returns a POST request.
    pub fn post(upstream: Upstream, path_and_query: impl Into<String>) -> Self {
        Self::new(upstream, Method::POST, path_and_query)
    }

    /// Sets the body.
    pub fn json(mut self, body: &Value) -> Self {
        self.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        self.body = body.to_string().into();
        self
    }

    /// Sets the body, of the media type in the headers.
    pub fn body(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    /// Sets a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the idempotency key. With one the request may be sent again. A key that is no header's value is left out.
    pub fn key(mut self, key: &str) -> Self {
        if let Ok(key) = HeaderValue::from_str(key) {
            self.headers.insert("idempotency-key", key);
        }
        self.repeatable()
    }

    /// Says that the request may be sent again: executed twice, it is as if executed once.
    pub fn repeatable(self) -> Self {
        Self { repeatable: true, ..self }
    }

    /// Says on whose behalf it is asked; the service gets the caller's identity.
    pub fn by(self, identity: &Identity) -> Self {
        Self { identity: Some(*identity), ..self }
    }

    pub(super) fn into_request(self, identities: &IdentityTokens) -> UpstreamRequest {
        let Self { upstream, method, path_and_query, headers, body, repeatable, identity } = self;
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        // An address that can't be parsed has characters that no path has: the service has nothing there.
        *request.uri_mut() = path_and_query.parse().unwrap_or_default();
        *request.headers_mut() = headers;
        request.headers_mut().insert(AUTHORIZATION, identities.bearer(upstream, identity));
        if repeatable {
            request.extensions_mut().insert(Repeatable);
        }
        request
    }
}
