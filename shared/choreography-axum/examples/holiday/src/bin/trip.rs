//! The service trip as a program.

use choreography_axum::{Failure, Settings, serve, settings};
use holiday::trip::{choreography, routes};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let settings: Settings = settings("trip", "Trip: a part of the holiday example.", 8091);
    let service = settings.builder(choreography()).start().await?;
    Ok(serve(service, routes()).with(&settings).await?)
}
