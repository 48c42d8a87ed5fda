//! The whole shop, and the people around it.

use std::sync::Arc;
use std::time::Duration;

use choreography::testing::{Harness, Losses, Random, Services, World};
use choreography::{Choreography, Settings};
use contracts::NAMESPACE;
use lettre::transport::stub::AsyncStubTransport;
use payment::settings::Patience;

use crate::checks::check;
use crate::deed::{Deed, draw};
use crate::people::Known;

/// How long a payment waits for the customer.
const DEADLINE: Duration = Duration::from_secs(60);

/// The shop's world.
#[derive(Default)]
pub(crate) struct Shop {
    pub(crate) known: Known,
}

impl World for Shop {
    type Action = Deed;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Deed)> {
        draw(random, size)
    }

    fn services(&self) -> Vec<Choreography> {
        let patience = Patience { payment_deadline: DEADLINE, ..Patience::default() };
        shop_in_memory::services(patience, &AsyncStubTransport::new_ok()).into()
    }

    fn settings(&self) -> Settings {
        Settings { namespace: NAMESPACE.to_owned(), ..Settings::default() }
    }

    async fn act(self: Arc<Self>, deed: Deed, services: Services) {
        self.known.act(deed, services).await;
    }

    fn check(&self, harness: &Harness, losses: &Losses) -> Result<(), String> {
        check(harness, &self.known, losses)
    }
}
