//! The notify service as a program.

use choreography_axum::{Failure, serve, settings};
use contracts::NAMESPACE;
use notify::contacts::Contacts;
use notify::settings::Settings;
use notify::{choreography, http};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // decisions need one thread; SQLite has its own
async fn main() -> Result<(), Failure> {
    let about = "Notify: mails customers the news of their orders.";
    let Settings { service: settings, mail } = settings("notify", about, 8084);
    let settings = settings.with_namespace(NAMESPACE);
    let contacts = Contacts::of_service(settings.server("notify").request_client().await?);
    let choreography = choreography(mail.mailer()?, contacts);
    let service = settings.builder(choreography).migrations(&sqlx::migrate!()).start().await?;
    Ok(serve(service, http::routes()).with(&settings).await?)
}
