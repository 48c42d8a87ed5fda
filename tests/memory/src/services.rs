//! The services that take part in an order.

use choreography::Choreography;
use lettre::transport::stub::AsyncStubTransport;
use notify::contacts::Contacts;
use notify::mailer::{FROM, Mailer};
use payment::settings::Patience;

/// Returns the services that take part in an order, of which payment has this patience, and notify sends its mails here.
/// Customer receives no messages, so it is not among them.
///
/// # Panics
/// Never: the sender's address is one.
pub fn services(patience: Patience, mails: &AsyncStubTransport) -> [Choreography; 7] {
    let mailer = Mailer::to_memory(FROM.parse().expect("it is an address"), mails.clone());
    [
        gateway::choreography(),
        order::choreography(),
        inventory::choreography(),
        payment::choreography(patience),
        wallet::choreography(true),
        delivery::choreography(),
        notify::choreography(mailer, Contacts::known([])),
    ]
}
