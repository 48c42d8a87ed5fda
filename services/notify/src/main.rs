//! The notify service as a program.

use contracts::NAMESPACE;
use notify::settings::Settings;
use notify::{choreography, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), choreography_axum::Failure> {
    let about = "Notify: mails customers what became of their orders.";
    let settings: Settings = choreography_axum::settings("notify", about, 8084);
    let choreography = choreography(settings.mail.mailer()?);
    let running = settings.service.with_namespace(NAMESPACE).start(choreography, &sqlx::migrate!()).await?;
    Ok(running.serve(http::routes()).await?)
}
