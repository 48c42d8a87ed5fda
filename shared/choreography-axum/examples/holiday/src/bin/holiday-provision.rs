//! Creates the streams and consumers of the three services on the message server.

use choreography::provision::{Plan, provision};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = choreography::async_nats::connect("nats://127.0.0.1:4222").await?;
    for change in provision(&client, &Plan::of(&holiday::services())).await? {
        println!("{change}");
    }
    Ok(())
}
