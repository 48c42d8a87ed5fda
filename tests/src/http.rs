//! Asking and being answered over HTTP.

use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use uuid::Uuid;

use crate::shop::Shop;

/// Longer than anything should take, shorter than a test.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(20);

/// An answer.
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
    /// Checks that it is a success, and gives the body.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn ok(self) -> Value {
        assert!((200..300).contains(&self.status), "refused: {self:?}");
        self.body
    }

    /// Checks that it is a problem of one of these statuses which says what is wrong, and gives it.
    ///
    /// # Panics
    /// When it is not.
    #[track_caller]
    pub fn problem(self, statuses: &[u16]) -> Value {
        assert!(statuses.contains(&self.status), "wanted {statuses:?}, got {self:?}");
        assert!(self.media_type.starts_with("application/problem+json"), "not a problem: {self:?}");
        assert_eq!(self.body["status"], self.status, "the problem bears another status: {self:?}");
        for field in ["title", "detail"] {
            assert!(self.body[field].as_str().is_some_and(|text| !text.is_empty()), "no {field}: {self:?}");
        }
        self.body
    }
}

impl Shop {
    /// A request to a service, for the test to finish; [`Shop::send`] sends it.
    pub fn request(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.premises.service(service).url))
    }

    /// Sends a request.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn try_send(&self, request: RequestBuilder) -> Result<Reply, reqwest::Error> {
        let answer = request.send().await?;
        let header = |name: &str| answer.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (media_type, location) = (header(CONTENT_TYPE.as_str()).unwrap_or_default(), header("location"));
        let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
        let status = answer.status().as_u16();
        let text = answer.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply { status, media_type, body, location, retry_after })
    }

    /// Sends a request that must be answered.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn send(&self, request: RequestBuilder) -> Reply {
        self.try_send(request).await.expect("the service answers")
    }

    /// Reads.
    pub async fn get(&self, service: &str, path: &str) -> Reply {
        self.send(self.request(Method::GET, service, path)).await
    }

    /// Posts, under a new idempotency key, and again under the same one while there is no answer: the service may
    /// have been killed.
    ///
    /// # Panics
    /// When there is no answer for too long.
    pub async fn post(&self, service: &str, path: &str, body: &Value) -> Reply {
        let key = Uuid::now_v7().to_string();
        let request = || self.request(Method::POST, service, path).header("idempotency-key", &key).json(body);
        testkit::until(format_args!("an answer to POST {path}"), crate::PATIENCE, async || {
            let reply = self.try_send(request()).await.map_err(|error| format!("{error:?}"))?;
            // The first one may still be under way, or its instance about to die.
            let later = reply.status == 503 || (reply.status == 409 && reply.body.to_string().contains("running"));
            if later { Err(format!("{reply:?}")) } else { Ok(reply) }
        })
        .await
    }

    /// A list of one page.
    ///
    /// # Panics
    /// When it is none.
    pub async fn list(&self, service: &str, path: &str) -> Vec<Value> {
        let body = self.get(service, path).await.ok();
        let items = body.as_array().or_else(|| body["items"].as_array());
        items.unwrap_or_else(|| panic!("no list at {path}: {body}")).clone()
    }

    /// A counter or gauge of a service's `/metrics`: the sum over its labels; 0 if it is not there.
    ///
    /// # Panics
    /// When there are no metrics.
    pub async fn metric(&self, service: &str, name: &str) -> f64 {
        let answer = self.request(Method::GET, service, "/metrics").send().await.expect("metrics are answered");
        let text = answer.text().await.expect("metrics are text");
        let samples = text
            .lines()
            .filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with('{') || rest.starts_with(' ')));
        samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
    }
}
