//! The payment service as a program.

use choreography_axum::{Failure, serve, settings};
use contracts::NAMESPACE;
use payment::settings::Settings;
use payment::{choreography, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // decisions need one thread; SQLite has its own
async fn main() -> Result<(), Failure> {
    let about = "Payment: has the wallet take the money for orders, and refund it.";
    let Settings { service: settings, patience } = settings("payment", about, 8082);
    let settings = settings.with_namespace(NAMESPACE);
    let service = settings.builder(choreography(patience)).migrations(&sqlx::migrate!()).start().await?;
    Ok(serve(service, http::routes()).with(&settings).await?)
}
