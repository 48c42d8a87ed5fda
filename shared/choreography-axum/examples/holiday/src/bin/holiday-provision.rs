//! Creates the streams and consumers of the three services on the message server.

use std::io;

use choreography::async_nats;
use choreography::provision::{Plan, provision};
use choreography_axum::Failure;

const SERVER: &str = "nats://127.0.0.1:4222";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let client = async_nats::connect(SERVER).await.map_err(|error| {
        let check = "is a nats-server running there, and does it take clients without a password?";
        io::Error::other(format!("no connection to {SERVER}: {error}; {check}"))
    })?;
    for change in provision(&client, &Plan::of(&holiday::services())).await? {
        println!("{change}");
    }
    Ok(())
}
