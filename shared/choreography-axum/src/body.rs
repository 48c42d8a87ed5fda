//! Reads a request's body, up to a bound of bytes and of time.
//!
//! A body that is too large is still received for a while and discarded: if the connection were closed while the caller
//! sends, the caller would see a broken connection, and not the problem.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use futures::StreamExt;
use tokio::time::timeout;

use crate::{BODY_BYTES_MAX, Problem};

/// How many bytes are discarded before the connection is closed all the same.
const DISCARDED_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How long a body may take: the largest one at 8 KiB/s, and less than a response may take.
const BODY_TIME_MAX: Duration = Duration::from_secs(8);

/// A request's whole body as it is, of any media type, up to [`BODY_BYTES_MAX`](crate::BODY_BYTES_MAX): for handlers that
/// hand it on.
#[derive(Debug, Clone)]
pub struct WholeBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for WholeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read_whole(request.into_body()).await.map(|body| Self(body.into()))
    }
}

/// Returns the whole body; one that is too large is a 413, one that is incomplete a 400, one that takes too long a 408.
pub(crate) async fn read_whole(body: Body) -> Result<Vec<u8>, Problem> {
    let mut received = Received::default();
    let read = timeout(BODY_TIME_MAX, received.receive(body)).await;
    if received.discarded > 0 {
        return Err(too_large());
    }
    match read {
        Ok(Ok(())) => Ok(received.kept),
        Ok(Err(error)) => Err(Problem::bad_request("body-unreadable", format!("the body is incomplete: {error}"))),
        Err(_) => Err(too_slow()),
    }
}

/// What was received of a body.
#[derive(Default)]
struct Received {
    kept: Vec<u8>,
    /// How many bytes were discarded, because the body is too large.
    discarded: usize,
}

impl Received {
    async fn receive(&mut self, body: Body) -> Result<(), axum::Error> {
        let mut parts = body.into_data_stream();
        while let Some(part) = parts.next().await {
            let part = part?;
            if self.discarded == 0 && self.kept.len() + part.len() <= BODY_BYTES_MAX {
                self.kept.extend_from_slice(&part);
                continue;
            }
            self.discarded += part.len();
            if self.discarded > DISCARDED_BYTES_MAX {
                break;
            }
        }
        Ok(())
    }
}

fn too_slow() -> Problem {
    let detail = format!("the body did not come within {} seconds: send the request again", BODY_TIME_MAX.as_secs());
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body-too-slow", detail)
}

fn too_large() -> Problem {
    let detail = format!("the body is larger than {BODY_BYTES_MAX} bytes");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", detail)
}
