//! The service hotel as a program.

use choreography_axum::{Failure, Settings, serve, settings};
use holiday::hotel::{choreography, routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let settings: Settings = settings("hotel", "Hotel: a part of the holiday example.", 8093);
    let service = settings.builder(choreography()).start().await?;
    Ok(serve(service, routes()).with(&settings).await?)
}
