//! The inventory service as a program.

use choreography_axum::Settings;
use contracts::NAMESPACE;
use inventory::{choreography, demo, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), choreography_axum::Failure> {
    let about = "Inventory: prices orders from the catalogue and holds their pieces on the shelf.";
    let settings: Settings = choreography_axum::settings("inventory", about, 8085);
    let running = settings.clone().with_namespace(NAMESPACE).start(choreography(), &sqlx::migrate!()).await?;
    if settings.demo {
        demo::fill_shelf(&running.service).await?;
    }
    Ok(running.serve(http::routes()).await?)
}
