//! Reads a request's body, up to a bound.
//!
//! A body that is too large is still received for a while and discarded: if the connection were closed while the caller
//! sends, the caller would see a broken connection, and not the problem.

use axum::body::Body;
use axum::http::StatusCode;
use futures::StreamExt;

use crate::{BODY_BYTES_MAX, Problem};

/// How many bytes are discarded before the connection is closed all the same.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Returns the whole body; one that is too large is a 413, one that is incomplete a 400.
pub(crate) async fn read_whole(body: Body) -> Result<Vec<u8>, Problem> {
    let mut parts = body.into_data_stream();
    let (mut whole, mut discarded) = (Vec::new(), 0);
    while let Some(part) = parts.next().await {
        let part =
            part.map_err(|error| Problem::bad_request("body-unreadable", format!("the body is incomplete: {error}")))?;
        if discarded == 0 && whole.len() + part.len() <= BODY_BYTES_MAX {
            whole.extend_from_slice(&part);
            continue;
        }
        discarded += part.len();
        if discarded > DISCARDED_BYTES_MAX {
            break;
        }
    }
    if discarded == 0 { Ok(whole) } else { Err(too_large()) }
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
}
