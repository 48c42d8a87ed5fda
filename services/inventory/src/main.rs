//! The inventory service as a program.

use inventory::{choreography, demo, http};
use web::Settings;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), web::Failure> {
    let about = "Inventory: prices orders from the catalogue and holds their pieces on the shelf.";
    let settings: Settings = web::settings("inventory", about, 8085);
    let running = settings.start(choreography(), &sqlx::migrate!()).await?;
    if settings.demo {
        demo::fill_shelf(&running.service).await?;
    }
    Ok(running.serve(http::routes()).await?)
}
