//! The payment service as a program.

use contracts::NAMESPACE;
use payment::settings::Settings;
use payment::{choreography, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), choreography_axum::Failure> {
    let about = "Payment: takes the money for orders, and gives it back.";
    let settings: Settings = choreography_axum::settings("payment", about, 8082);
    let choreography = choreography(settings.payment_deadline);
    let running = settings.service.with_namespace(NAMESPACE).start(choreography, &sqlx::migrate!()).await?;
    Ok(running.serve(http::routes()).await?)
}
