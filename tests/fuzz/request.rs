//! HTTP requests that are nearly an example.

use serde_json::Value;

use crate::bytes::Bytes;
use crate::draw::Draw;
use crate::json::json;
use crate::text::text;

/// A request, not checked whether it can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    /// The method.
    pub(crate) method: String,
    /// The path, with a query.
    pub(crate) path: String,
    /// The headers.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Bytes,
}

/// Headers that a service reads, with a value each.
const HEADERS: [(&str, &str); 15] = [
    ("idempotency-key", "0198c0de-0000-7000-8000-000000000001"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("content-type", "application/json; charset=utf-8"),
    ("prefer", "respond-async, wait=1"),
    ("last-event-id", "0198c0de-0000-7000-8000-000000000001"),
    ("x-forwarded-for", "203.0.113.9, 2001:db8::1"),
    ("forwarded", "for=203.0.113.9;proto=https"),
    ("cookie", "session=a.b.c; other=1"),
    ("authorization", "Bearer a.b.c"),
    ("accept", "application/json;q=0.5, */*"),
    ("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),
    ("origin", "http://127.0.0.1:8080"),
    ("sec-fetch-site", "cross-site"),
    ("if-none-match", "\"1\""),
    ("content-encoding", "gzip"),
];

/// What a query may have.
const QUERIES: [&str; 9] = [
    "limit=3",
    "cursor=tea",
    "order_id=0198c0de-0000-7000-8000-000000000001",
    "status=pending",
    "zone=north",
    "customer_id=0198c0de-0000-7000-8000-000000000001",
    "limit=3&cursor=0198c0de-0000-7000-8000-000000000001",
    "sku=tea",
    "code=a&state=b",
];

impl Request {
    /// Returns a request that is nearly one to a route. Where its path has the name of a parameter in braces, the
    /// request has one of `ids`.
    pub(crate) fn near(method: &str, path: &str, body: &Value, ids: &[&'static str], draw: &mut Draw<'_>) -> Self {
        let segments = path.split('/').map(|segment| match segment.starts_with('{') {
            true if draw.once_in(6) => text(draw.word(ids), draw),
            true => draw.word(ids).to_owned(),
            false => segment.to_owned(),
        });
        let mut path = segments.collect::<Vec<_>>().join("/");
        if draw.once_in(3) {
            let query = *draw.one(&QUERIES);
            path = format!("{path}?{}", if draw.once_in(2) { text(query, draw) } else { query.to_owned() });
        }
        if draw.once_in(12) {
            path = text(&path, draw);
        }
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
        let method = if draw.once_in(20) { draw.one(&methods) } else { method };
        let body = if body.is_null() && !draw.once_in(10) { Bytes(Vec::new()) } else { json(body, draw) };
        Self { method: method.to_owned(), path, headers: headers(draw), body }
    }
}

fn headers(draw: &mut Draw<'_>) -> Vec<(String, String)> {
    let mut headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    if !draw.once_in(8) {
        headers.push(("idempotency-key".to_owned(), format!("key-{}", draw.below(1_000_000))));
    }
    for _ in 0..draw.below(4) {
        let (name, value) = draw.one(&HEADERS);
        headers.push(((*name).to_owned(), if draw.once_in(2) { text(value, draw) } else { (*value).to_owned() }));
    }
    headers
}
