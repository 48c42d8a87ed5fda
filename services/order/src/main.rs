//! The order service as a program.

use choreography_axum::{Failure, Settings, serve, settings};
use contracts::NAMESPACE;
use order::{PUBLISHERS, choreography, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // decisions need one thread; SQLite has its own
async fn main() -> Result<(), Failure> {
    let about = "Order: opens orders, follows them to their end, and shows their stories.";
    let settings: Settings = settings("order", about, 8081);
    let settings = settings.with_namespace(NAMESPACE).with_stories_of(&PUBLISHERS);
    let service = settings.builder(choreography()).migrations(&sqlx::migrate!()).start().await?;
    Ok(serve(service, http::routes()).with(&settings).await?)
}
