//! Requests to the services, each to one of its instances in turn, and again while they do not respond.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::http::Reply;
use crate::premises::Premises;
use crate::service::SERVICES;

/// How long a caller waits for a response, then asks another instance: a paused one never responds.
const REPLY_WAIT_MAX: Duration = Duration::from_secs(3);
/// How long a caller waits before asking again: twice as long each time, up to 0.4 seconds.
const PAUSE: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_millis(400);
/// How many connections to a service are kept that nobody uses: thousands of callers at once would use up this process's
/// files.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// How long a caller goes on asking: longer than any fault lasts, and the shop may take to recover from it.
const ASKED_MAX: Duration = Duration::from_secs(120);

/// What is asked of a service, and may be asked again.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) service: &'static str,
    pub(super) path: String,
    pub(super) body: Value,
    /// The idempotency key.
    pub(super) key: Option<String>,
    /// The token of the caller, for the gateway.
    pub(super) token: Option<String>,
    /// Whether what is asked for may come into being a little later: then a 404 is no reply.
    pub(super) may_come: bool,
}

impl Call {
    pub(super) fn new(service: &'static str, path: impl Into<String>, body: Value) -> Self {
        Self { service, path: path.into(), body, key: None, token: None, may_come: false }
    }
}

/// A client of all services.
pub(super) struct Client {
    http: reqwest::Client,
    urls: BTreeMap<&'static str, Vec<String>>,
    turn: AtomicUsize,
}

impl Client {
    pub(super) fn new(premises: &Premises) -> Result<Self> {
        let http = reqwest::Client::builder().timeout(REPLY_WAIT_MAX).pool_max_idle_per_host(IDLE_CONNECTIONS_MAX);
        let http = http.build().context("making a client")?;
        let urls = |name| premises.instances(name).map(|service| service.url.clone()).collect();
        Ok(Self {
            http,
            urls: SERVICES.into_iter().map(|name| (name, urls(name))).collect(),
            turn: AtomicUsize::new(0),
        })
    }

    fn request(&self, method: Method, service: &str, path: &str) -> RequestBuilder {
        let urls = self.urls.get(service).map(Vec::as_slice).unwrap_or_default();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        let url = turn.checked_rem(urls.len()).map_or("", |turn| &urls[turn]);
        self.http.request(method, format!("{url}{path}"))
    }

    /// Posts until there is a reply that ends the matter.
    pub(super) async fn post(&self, call: &Call) -> Result<Reply> {
        again(&format!("POST {} {}", call.service, call.path), || async {
            let mut request = self.request(Method::POST, call.service, &call.path).json(&call.body);
            if let Some(key) = &call.key {
                request = request.header("idempotency-key", key);
            }
            if let Some(token) = &call.token {
                request = request.bearer_auth(token);
            }
            let reply = Reply::to(request).await.map_err(|error| format!("{error:?}"))?;
            let runs = reply.status == 409 && reply.body.to_string().contains("running");
            let is_over = reply.status < 500 && reply.status != 429 && !runs && !(reply.status == 404 && call.may_come);
            if is_over { Ok(reply) } else { Err(format!("{reply:?}")) }
        })
        .await
    }

    /// Gets JSON, until it comes; null if there is no such thing.
    pub(super) async fn get(&self, service: &str, path: &str) -> Result<Value> {
        again(&format!("GET {service} {path}"), || async {
            let reply = Reply::to(self.request(Method::GET, service, path)).await;
            match reply.map_err(|error| format!("{error:?}"))? {
                Reply { status: 404, .. } => Ok(Value::Null),
                Reply { status: 200, body, .. } => Ok(body),
                reply => Err(format!("{reply:?}")),
            }
        })
        .await
    }

    /// Returns every instance's response to a GET request, of those that respond.
    pub(super) async fn every(&self, service: &str, path: &str) -> Vec<Reply> {
        let mut replies = Vec::new();
        for url in self.urls.get(service).into_iter().flatten() {
            replies.extend(Reply::to(self.http.get(format!("{url}{path}"))).await.ok());
        }
        replies
    }

    /// Returns all items of a list. `path` has a query already.
    pub(super) async fn list(&self, service: &str, path: &str) -> Result<Vec<Value>> {
        let mut all = Vec::new();
        self.pages(service, path, |items| {
            all.extend(items);
            true
        })
        .await?;
        Ok(all)
    }

    /// Whether a list has such an item. `path` has a query already.
    pub(super) async fn has(&self, service: &str, path: &str, is_such: impl Fn(&Value) -> bool) -> Result<bool> {
        let mut has = false;
        self.pages(service, path, |items| {
            has = items.iter().any(&is_such);
            !has
        })
        .await?;
        Ok(has)
    }

    /// Reads a list page by page, until there is none left, or what takes its items says that it wants no more.
    async fn pages(&self, service: &str, path: &str, mut take: impl FnMut(Vec<Value>) -> bool) -> Result<()> {
        let mut cursor = String::new();
        loop {
            let mut page = self.get(service, &format!("{path}&limit=100{cursor}")).await?;
            let Value::Array(items) = page["items"].take() else { return Ok(()) };
            let wants_more = take(items);
            match page["next"].as_str().filter(|_| wants_more) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(()),
            }
        }
    }
}

/// Tries until it succeeds, for as long as a caller goes on asking.
async fn again<T, F: Future<Output = Result<T, String>>>(what: &str, mut ask: impl FnMut() -> F) -> Result<T> {
    let (begin, mut pause) = (Instant::now(), PAUSE);
    loop {
        match ask().await {
            Ok(reply) => return Ok(reply),
            Err(seen) if begin.elapsed() > ASKED_MAX => anyhow::bail!("{what}: not within {ASKED_MAX:?}: {seen}"),
            Err(_) => tokio::time::sleep(pause).await,
        }
        pause = PAUSE_MAX.min(pause * 2);
    }
}
