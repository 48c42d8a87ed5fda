//! The delivery service as a program.

use choreography_axum::Settings;
use contracts::NAMESPACE;
use delivery::{choreography, demo, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), choreography_axum::Failure> {
    let about = "Delivery: finds a dealer for each confirmed order.";
    let settings: Settings = choreography_axum::settings("delivery", about, 8083);
    let running = settings.clone().with_namespace(NAMESPACE).start(choreography(), &sqlx::migrate!()).await?;
    if settings.demo {
        demo::hire_dealers(&running.service).await?;
    }
    Ok(running.serve(http::routes()).await?)
}
