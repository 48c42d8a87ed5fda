//! The payment service as a program.

use payment::settings::Settings;
use payment::{choreography, http};

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), web::Failure> {
    let about = "Payment: takes the money for orders, and gives it back.";
    let settings: Settings = web::settings("payment", about, 8082);
    let choreography = choreography(settings.payment_deadline);
    let running = settings.service.start(choreography, &sqlx::migrate!()).await?;
    Ok(running.serve(http::routes()).await?)
}
