//! The wallet service as a program.

use choreography_axum::{Failure, Settings, serve, settings};
use contracts::NAMESPACE;
use wallet::{choreography, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // decisions need one thread; SQLite has its own
async fn main() -> Result<(), Failure> {
    let about = "Wallet: keeps the customers' money, takes it for orders, and gives it back.";
    let settings: Settings = settings("wallet", about, 8086);
    let settings = settings.with_namespace(NAMESPACE);
    let choreography = choreography(settings.demo);
    let service = settings.builder(choreography).migrations(&sqlx::migrate!()).start().await?;
    Ok(serve(service, http::routes()).with(&settings).await?)
}
