//! The delivery service as a program.

use delivery::{choreography, demo, http};
use web::Settings;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), web::Failure> {
    let about = "Delivery: finds a dealer for each confirmed order.";
    let settings: Settings = web::settings("delivery", about, 8083);
    let running = settings.start(choreography(), &sqlx::migrate!()).await?;
    if settings.demo {
        demo::hire_dealers(&running.service).await?;
    }
    Ok(running.serve(http::routes()).await?)
}
