//! The order service as a program.

use order::{SAYERS, choreography, http};
use web::Settings;

#[tokio::main(flavor = "current_thread")] // one thread decides, SQLite has its own
async fn main() -> Result<(), web::Failure> {
    let about = "Order: opens orders, follows them to their end, and tells what became of them.";
    let settings: Settings = web::settings("order", about, 8081);
    let settings = settings.with_stories_of(&SAYERS);
    let running = settings.start(choreography(), &sqlx::migrate!()).await?;
    Ok(running.serve(http::routes()).await?)
}
