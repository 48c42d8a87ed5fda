//! The delivery service as a program.

use choreography_axum::{Failure, Settings, serve, settings};
use contracts::NAMESPACE;
use delivery::{choreography, demo, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // decisions need one thread; SQLite has its own
async fn main() -> Result<(), Failure> {
    let about = "Delivery: finds a dealer for each confirmed order.";
    let settings: Settings = settings("delivery", about, 8083);
    let settings = settings.with_namespace(NAMESPACE);
    let service = settings.builder(choreography()).migrations(&sqlx::migrate!()).start().await?;
    if settings.demo {
        demo::hire_dealers(&service).await?;
    }
    Ok(serve(service, http::routes()).with(&settings).await?)
}
