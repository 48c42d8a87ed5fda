//! A request's body as JSON. What is wrong with it is said together with where it is.

use std::ops::Deref;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};
use uuid::Uuid;

use crate::body::whole;
use crate::{Problem, Wrong};

/// A request's body, read from JSON. Derefs to what was read.
///
/// Refused with a problem: another media type (415), too large (413), no JSON (400), other content than wanted (422).
/// For unknown fields to be refused, the type says `#[serde(deny_unknown_fields)]`.
#[derive(Debug, Clone)]
pub struct Json<T> {
    value: T,
    hash: String,
}

impl<T> Json<T> {
    /// What was read.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// A hash of the bytes, by which another body under the same idempotency key is noticed.
    pub(crate) fn hash(&self) -> &str {
        &self.hash
    }
}

impl<T> Deref for Json<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        let body = whole(request.into_body()).await?;
        Ok(Self { value: read(&body)?, hash: Uuid::new_v5(&Uuid::NAMESPACE_OID, &body).to_string() })
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = given.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json")) {
        return Ok(());
    }
    let detail = format!("send `content-type: application/json`, not {given:?}");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // First whether it is JSON at all: what is cut off in the middle must not seem to be of the wrong type.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| no_json(&error.to_string()))?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let detail = error.inner().to_string();
        if error.inner().is_data() {
            Problem::invalid(vec![Wrong::at(pointer(error.path()), detail)])
        } else {
            no_json(&detail)
        }
    })
}

fn no_json(detail: &str) -> Problem {
    Problem::bad_request("invalid-json", format!("the body is no JSON: {detail}"))
}

/// `lines[1].quantity` as `/lines/1/quantity`; the whole body as nothing (RFC 6901).
fn pointer(path: &Path) -> String {
    let tokens = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(), // the body itself
    });
    tokens.collect()
}
