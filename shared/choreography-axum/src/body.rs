//! A request's body, up to a bound.
//!
//! A body that is too large is still taken in for a while and thrown away: closed in the middle of sending, a caller
//! would see a broken connection instead of the problem that says why.

use axum::body::Body;
use axum::http::StatusCode;
use futures::StreamExt;

use crate::{BODY_BYTES_MAX, Problem};

/// So much is thrown away before the connection is closed all the same.
const THROWN_AWAY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Everything in a body.
///
/// # Errors
/// 413 if it is too large; 400 if it breaks off.
pub(crate) async fn whole(body: Body) -> Result<Vec<u8>, Problem> {
    let mut parts = body.into_data_stream();
    let (mut whole, mut thrown_away) = (Vec::new(), 0);
    while let Some(part) = parts.next().await {
        let part =
            part.map_err(|error| Problem::bad_request("body-unreadable", format!("the body breaks off: {error}")))?;
        if thrown_away == 0 && whole.len() + part.len() <= BODY_BYTES_MAX {
            whole.extend_from_slice(&part);
            continue;
        }
        thrown_away += part.len();
        if thrown_away > THROWN_AWAY_BYTES_MAX {
            break;
        }
    }
    if thrown_away == 0 { Ok(whole) } else { Err(too_large()) }
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
}
