//! The notify service as a program.

use notify::settings::Settings;
use notify::{choreography, http};

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), web::Failure> {
    let about = "Notify: mails customers what became of their orders.";
    let settings: Settings = web::settings("notify", about, 8084);
    let choreography = choreography(settings.mail.mailer()?);
    let running = settings.service.start(choreography, &sqlx::migrate!()).await?;
    Ok(running.serve(http::routes()).await?)
}
