//! The order service as a program.

use choreography_axum::Settings;
use contracts::NAMESPACE;
use order::{SAYERS, choreography, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), choreography_axum::Failure> {
    let about = "Order: opens orders, follows them to their end, and tells what became of them.";
    let settings: Settings = choreography_axum::settings("order", about, 8081);
    let settings = settings.with_stories_of(&SAYERS);
    let running = settings.with_namespace(NAMESPACE).start(choreography(), &sqlx::migrate!()).await?;
    Ok(running.serve(http::routes()).await?)
}
