//! Bodies as JSON. For a body that can't be read the caller gets a problem with what is wrong and where.

mod strict;
mod tree;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use strict::Strict;

use crate::body::read_whole;
use crate::{InvalidField, Problem};

/// A request's or a response's body as JSON: axum's [`Json`](axum::Json) with problems.
///
/// Another media type, a charset other than UTF-8 or a compressed body is a 415, a body larger than
/// [`BODY_BYTES_MAX`](crate::BODY_BYTES_MAX) a 413, one that does not come in time a 408, a body that is not JSON a 400,
/// and JSON with other content than `T` has a 422 with a JSON pointer to it. A struct must be an object, at every depth:
/// unlike serde_json's, this reader takes no array of its fields.
/// `#[serde(deny_unknown_fields)]` on the type makes unknown fields a 422.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(read_tree(request).await?).map(Self)
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

/// Returns the JSON of a request's body.
pub(crate) async fn read_tree(request: Request) -> Result<Value, Problem> {
    require_json(request.headers())?;
    let body = read_whole(request.into_body()).await?;
    tree::parse(&body).map_err(|error| {
        let detail = error.to_string();
        if error.is_data() { Problem::invalid(vec![InvalidField::at("", detail)]) } else { no_json(&detail) }
    })
}

/// Reads a type from JSON.
pub(crate) fn read<T: DeserializeOwned>(tree: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Strict(tree)).map_err(|error| {
        let detail = without_type_names(error.inner().to_string());
        Problem::invalid(vec![InvalidField::at(pointer(error.path()), detail)])
    })
}

/// Returns an error of serde without the names of types, which mean nothing to a caller. What the caller has sent is quoted
/// before `expected`, and stays as it is.
fn without_type_names(detail: String) -> String {
    let Some((found, expected)) = detail.rsplit_once(", expected ") else { return detail };
    let named = [("struct ", "an object"), ("enum ", "one of its values"), ("tuple struct ", "another value")];
    match named.iter().find(|(kind, _)| expected.starts_with(kind)) {
        Some((_, shown)) => format!("{found}, expected {shown}"),
        None => detail,
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(encoding) = text(header::CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(unsupported(format!("send the body as it is, not as `content-encoding: {encoding}`")));
    }
    let content_type = text(header::CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    if media_type != "application/json" && !(media_type.starts_with("application/") && media_type.ends_with("+json")) {
        return Err(unsupported(format!("send `content-type: application/json`, not {content_type:?}")));
    }
    let charsets = parts.filter_map(|parameter| parameter.strip_prefix("charset=")).map(|text| text.trim_matches('"'));
    match charsets.into_iter().find(|charset| *charset != "utf-8") {
        Some(charset) => Err(unsupported(format!("send JSON in UTF-8, not in {charset:?}"))),
        None => Ok(()),
    }
}

fn unsupported(detail: String) -> Problem {
    Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type-unsupported", detail)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_no_type_and_keeps_what_the_caller_has_sent() {
        for (detail, shown) in [
            (
                "invalid type: string \"a, expected struct B\", expected struct NewOrder",
                "invalid type: string \"a, expected struct B\", expected an object",
            ),
            ("invalid type: null, expected enum Currency", "invalid type: null, expected one of its values"),
            ("invalid type: null, expected tuple struct Quantity", "invalid type: null, expected another value"),
            ("invalid type: string \"1\", expected u32", "invalid type: string \"1\", expected u32"),
            ("missing field `lines`", "missing field `lines`"),
        ] {
            assert_eq!(without_type_names(detail.to_owned()), shown);
        }
    }
}
