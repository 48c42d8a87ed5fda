//! The gateway as a program.

use choreography::Clock;
use choreography_axum::{Failure, serve, settings};
use contracts::NAMESPACE;
use gateway::gateway::Gateway;
use gateway::pages::{Issuer, ProductNames, with_error_pages};
use gateway::settings::{Command, Settings};
use gateway::tokens::Tokens;
use gateway::upstreams::Upstreams;
use gateway::{choreography, routes};

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main(flavor = "current_thread")] // decisions need one thread; SQLite has its own
async fn main() -> Result<(), Failure> {
    let about = "Gateway: the one public door of the shop, its API under /api, and its pages.";
    let Settings { service: settings, upstreams, tokens, issuer, limits, door, command } =
        settings("gateway", about, 8080);
    if let Some(Command::Token(token)) = command {
        println!("{}", token.token(&tokens, Clock::system().now())?);
        return Ok(());
    }
    let (settings, tokens) = (settings.with_namespace(NAMESPACE), Tokens::start(tokens).await?);
    tokens.warn_of_development_key(&settings.listen);
    let service = settings.builder(choreography()).migrations(&sqlx::migrate!()).start().await?;
    let upstreams = Upstreams::new(&upstreams, Clock::system());
    let issuer = Issuer::of(issuer)?;
    let (product_names, demo) = (ProductNames::default(), settings.demo);
    let gateway = Gateway { service: service.clone(), upstreams, tokens: tokens.clone(), issuer, product_names, demo };
    let around = move |app| door.around(with_error_pages(app));
    let served = serve(service, routes(gateway, &limits)).with(&settings).requires("tokens", move || tokens.ready());
    Ok(served.around(around).await?)
}
