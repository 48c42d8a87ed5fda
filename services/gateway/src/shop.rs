//! The shop as a whole: the choreographies of all its services, and the document of their messages.

use choreography::{AsyncApiInfo, Choreography, Map};
use contracts::NAMESPACE;
use notify::contacts::Contacts;
use notify::mailer::Mailer;
use payment::settings::Patience;

/// Returns the choreographies of all services. What they are started with does not matter here: nothing is started.
pub fn shop() -> Vec<Choreography> {
    vec![
        crate::choreography(),
        order::choreography(),
        inventory::choreography(),
        payment::choreography(Patience::default()),
        wallet::choreography(false),
        delivery::choreography(),
        notify::choreography(Mailer::default(), Contacts::unreachable()),
        customer::choreography(),
    ]
}

/// Returns the AsyncAPI document of the shop's messages, as JSON.
///
/// # Panics
/// If two types in the messages have one name and look different. A test sees to it that they don't.
pub fn asyncapi() -> String {
    let info = AsyncApiInfo { title: "Shop", version: env!("CARGO_PKG_VERSION"), namespace: NAMESPACE };
    Map::of(&shop()).to_asyncapi(&info).unwrap_or_else(|error| panic!("{error}"))
}
