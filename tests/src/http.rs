//! Requests and responses over HTTP.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use uuid::Uuid;

use crate::shop::Shop;

/// Longer than any response should take, shorter than a test.
pub(crate) const REPLY_WAIT_MAX: Duration = Duration::from_secs(20);

/// How long an unused connection is kept: less than the 10 seconds after which a service closes it, perhaps just when the
/// next request is sent on it.
pub(crate) const IDLE_TIME_MAX: Duration = Duration::from_secs(5);

/// The response to a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The media type.
    pub media_type: String,
    /// The body, if it is JSON.
    pub body: Value,
    /// `Location`.
    pub location: Option<String>,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u64>,
}

impl Reply {
    /// Sends a request, and returns the response to it.
    ///
    /// # Errors
    /// When there is no response.
    pub(crate) async fn to(request: RequestBuilder) -> Result<Self, reqwest::Error> {
        let response = request.send().await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (media_type, location) = (header(CONTENT_TYPE.as_str()).unwrap_or_default(), header("location"));
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
        let status = response.status().as_u16();
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Self { status, media_type, body, location, retry_after })
    }

    /// Returns the body of a success.
    ///
    /// # Panics
    /// When it is no success.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "not a success: {self:?}");
        self.body
    }

    /// Returns the body of a problem that has one of these statuses and names what is wrong.
    ///
    /// # Panics
    /// When it is something else.
    #[track_caller]
    pub fn problem(self, statuses: &[u16]) -> Value {
        assert!(statuses.contains(&self.status), "expected {statuses:?}, got {self:?}");
        assert!(self.media_type.starts_with("application/problem+json"), "not a problem: {self:?}");
        assert_eq!(self.body["status"], self.status, "the problem has another status: {self:?}");
        for field in ["title", "detail"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "no {field}: {self:?}");
        }
        self.body
    }
}

impl Shop {
    /// Returns the client, for requests to what is not among the shop's own services.
    pub fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// Returns a request to a service, for the test to complete; [`Shop::send`] sends it.
    pub fn request(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.premises.service(service).url))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no response.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        Reply::to(request).await
    }

    /// Sends a request that must have a response.
    ///
    /// # Panics
    /// When there is no response.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        self.try_send(request).await.expect("the service responds")
    }

    /// Sends a GET request.
    pub async fn get(&self, service: &str, path: &str) -> Reply {
        self.send(self.request(Method::GET, service, path)).await
    }

    /// Sends a POST request with a new idempotency key, and again with the same key while there is no response, because
    /// the service may have been killed.
    ///
    /// # Panics
    /// When there is no response for too long.
    pub async fn post(&self, service: &str, path: &str, body: &Value) -> Reply {
        let key = Uuid::now_v7().to_string();
        let request = || self.request(Method::POST, service, path).header("idempotency-key", &key).json(body);
        testkit::until(format_args!("a response to POST {path}"), crate::PATIENCE, async || {
            let reply = self.try_send(request()).await.map_err(|error| format!("{error:?}"))?;
            // The first request may still be running, or its instance about to end.
            let again = reply.status == 503 || (reply.status == 409 && reply.body.to_string().contains("running"));
            if again { Err(format!("{reply:?}")) } else { Ok(reply) }
        })
        .await
    }

    /// Returns the items of a list that fits on one page.
    ///
    /// # Panics
    /// When the response is no list.
    pub async fn list(&self, service: &str, path: &str) -> Vec<Value> {
        let body = self.get(service, path).await.ok();
        let items = body.as_array().or_else(|| body["items"].as_array());
        items.unwrap_or_else(|| panic!("no list at {path}: {body}")).clone()
    }

    /// Returns a counter or gauge of a service's `/metrics`: the sum over its labels; 0 if it is not there.
    ///
    /// # Panics
    /// When there are no metrics.
    pub async fn metric(&self, service: &str, name: &str) -> f64 {
        let response = self.request(Method::GET, service, "/metrics").send().await.expect("the service responds");
        let text = response.text().await.expect("metrics are text");
        let samples = text
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' ')));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}
