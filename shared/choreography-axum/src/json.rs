//! Bodies as JSON. For a body that can't be read the caller gets a problem with what is wrong and where.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};

use crate::body::read_whole;
use crate::{InvalidField, Problem};

/// A request's or a response's body as JSON: axum's [`Json`](axum::Json) with problems.
///
/// Another media type is a 415, a body larger than [`BODY_BYTES_MAX`](crate::BODY_BYTES_MAX) a 413, a body that is
/// not JSON a 400, and JSON with other content than `T` has a 422 with a JSON pointer to it.
/// `#[serde(deny_unknown_fields)]` on the type makes unknown fields a 422.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read_json(request).await.map(|(value, _)| Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(error) => {
                tracing::error!(%error, "a response can't be written as JSON: the caller gets a 500");
                Problem::internal().into_response()
            }
        }
    }
}

/// Returns a request's body as it was read, and its bytes.
pub(crate) async fn read_json<T: DeserializeOwned>(request: Request) -> Result<(T, Vec<u8>), Problem> {
    require_json(request.headers())?;
    let body = read_whole(request.into_body()).await?;
    Ok((read(&body)?, body))
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type == "application/json" || (media_type.starts_with("application/") && media_type.ends_with("+json")) {
        return Ok(());
    }
    let detail = format!("send `content-type: application/json`, not {content_type:?}");
    Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail))
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // First whether it is JSON at all: a body that is cut off must not be reported as one of the wrong type.
    serde_json::from_slice::<IgnoredAny>(body).map_err(|error| no_json(&error.to_string()))?;
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let detail = error.inner().to_string();
        if error.inner().is_data() {
            Problem::invalid(vec![InvalidField::at(pointer(error.path()), detail)])
        } else {
            no_json(&detail)
        }
    })
}

fn no_json(detail: &str) -> Problem {
    Problem::bad_request("invalid-json", format!("the body is not JSON: {detail}"))
}

/// Returns a path as a JSON pointer (RFC 6901): `/lines/1/quantity`, and nothing for the whole body.
fn pointer(path: &Path) -> String {
    let tokens = path.iter().map(|segment| match segment {
        Segment::Seq { index } => format!("/{index}"),
        Segment::Map { key } => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Enum { variant } => format!("/{variant}"),
        Segment::Unknown => String::new(), // the body itself
    });
    tokens.collect()
}
