//! The gateway in memory, as its program serves it, with a stand-in for all services behind it.

use axum::Router;
use choreography::{Clock, Service};
use choreography_axum::{Stopping, router};
use clap::Parser;
use contracts::CustomerId;
use gateway::gateway::Gateway;
use gateway::identity::{Identity, Role};
use gateway::pages::{ProductNames, with_error_pages};
use gateway::settings::Settings;
use gateway::tokens::{KeySource, TokenSettings, Tokens};
use gateway::upstreams::Upstreams;
use tokio::net::TcpListener;

/// Who the token of [`GatewayInMemory`] is of.
pub const CUSTOMER: &str = "0198c0de-0000-7000-8000-000000000001";
/// The services behind the gateway.
const BEHIND: [&str; 7] = ["order", "payment", "delivery", "notify", "inventory", "wallet", "customer"];
/// The flags that every service needs.
const FLAGS: [&str; 5] =
    ["gateway", "--listen=127.0.0.1:1", "--nats-user=a", "--nats-password=b", "--database-url=sqlite://a"];

/// The gateway in memory.
pub struct GatewayInMemory {
    /// What it serves.
    pub app: Router,
    /// A customer's token, signed with the development key.
    pub token: String,
    /// The gateway as a service of the choreography.
    pub service: Service,
}

impl GatewayInMemory {
    /// Starts a gateway whose services respond as `behind` does. Without `token_keys`, it is one of a laptop.
    ///
    /// # Panics
    /// When a flag is none of the gateway's.
    pub async fn start(behind: Router, token_keys: Option<KeySource>, flags: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("it listens"));
        tokio::spawn(async move { axum::serve(listener, behind).await });
        let urls = BEHIND.map(|service| format!("--{service}-url={url}"));
        let flags = FLAGS.into_iter().chain(flags.iter().copied()).map(str::to_owned).chain(urls);
        let settings = Settings::try_parse_from(flags).expect("flags of the gateway");
        let customer_id: CustomerId = CUSTOMER.parse().expect("an id");
        let of_laptop = Tokens::start(settings.tokens.clone()).await.expect("the development key is known");
        let token = of_laptop.issue(Identity { customer_id, role: Role::Customer }, Clock::system().now());
        let tokens = Tokens::start(TokenSettings { token_keys, ..settings.tokens }).await.expect("keys can be read");
        let service = Service::builder(gateway::choreography()).memory().start().await.expect("a service in memory");
        let gateway = Gateway {
            service: service.clone(),
            upstreams: Upstreams::new(&settings.upstreams, Clock::system()),
            tokens,
            issuer: None,
            product_names: ProductNames::default(),
            demo: true,
        };
        let app = router(service.clone(), gateway::routes(gateway, &settings.limits), Stopping::default());
        let app = settings.door.around(with_error_pages(app));
        Self { app, token: token.expect("the development key signs"), service }
    }
}
