//! The service flight as a program.

use choreography_axum::{Failure, Settings, serve, settings};
use holiday::flight::{choreography, routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let settings: Settings = settings("flight", "Flight: a part of the holiday example.", 8092);
    let service = settings.builder(choreography()).start().await?;
    Ok(serve(service, routes()).with(&settings).await?)
}
