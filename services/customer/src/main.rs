//! The customer service as a program.

use choreography_axum::{Failure, Settings, serve, settings};
use contracts::NAMESPACE;
use customer::contact::ContactLookUp;
use customer::{choreography, demo, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // decisions need one thread; SQLite has its own
async fn main() -> Result<(), Failure> {
    let about = "Customer: keeps the customers' profiles, and tells other services how a customer is reached.";
    let settings: Settings = settings("customer", about, 8087);
    let settings = settings.with_namespace(NAMESPACE);
    let service = settings.builder(choreography()).migrations(&sqlx::migrate!()).start().await?;
    if settings.demo {
        demo::welcome_customers(&service).await?;
    }
    let client = settings.server(service.name()).request_client().await?;
    let look_up = ContactLookUp::start(client, service.clone()).await?;
    let served = serve(service, http::routes()).with(&settings).await;
    look_up.stop().await;
    Ok(served?)
}
