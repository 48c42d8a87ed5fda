//! The shop that faults happen to: two instances of each service where that makes sense, each with a connection to the
//! server that can be disturbed, and a mail server.

use anyhow::{Context, Result};
use testkit::Proxy;

use super::mail_server::MailServer;
use crate::premises::{Plan, Premises};
use crate::service::{SERVICES, Service};

/// The services that have two instances: those that an order goes through.
pub(super) const TWICE: [&str; 6] = ["order", "inventory", "payment", "wallet", "delivery", "notify"];
/// How long a payment waits for the customer: some never come.
const PAYMENT_DEADLINE: &str = "10s";
/// How long published messages are kept: many times as long as what the server loses, and so short that a run of minutes
/// forgets them as one of days does.
const OUTBOX_KEPT: &str = "1m";

/// The shop, its mail server, and what is needed to disturb them.
pub(super) struct Site {
    pub(super) premises: Premises,
    pub(super) mail: MailServer,
    pub(super) mail_proxy: Proxy,
}

impl Site {
    /// Opens the shop.
    pub(super) async fn open() -> Result<Self> {
        let mail = MailServer::start()?;
        let mail_proxy = Proxy::to(mail.port())?;
        let mut plan = Plan::new().on_disk().without_limits().set("payment", "PAYMENT_DEADLINE", PAYMENT_DEADLINE);
        plan = plan.set_all("OUTBOX_KEPT", OUTBOX_KEPT);
        plan = plan.set("notify", "SMTP_URL", format!("smtp://127.0.0.1:{}", mail_proxy.port()));
        plan = TWICE.into_iter().fold(plan, Plan::twice);
        plan = SERVICES.into_iter().fold(plan, Plan::through_proxy);
        Ok(Self { premises: Premises::open(plan).await?, mail, mail_proxy })
    }

    /// Returns the instances of a service.
    pub(super) fn instances(&self, name: &str) -> Vec<&Service> {
        self.premises.instances(name).collect()
    }

    /// Returns the connections of a service to the server.
    pub(super) fn proxies(&self, name: &str) -> Vec<&Proxy> {
        self.premises.instances(name).filter_map(|service| service.proxy.as_ref()).collect()
    }

    /// Returns how often an instance has lost its lease and noticed it, by the logs.
    pub(super) fn lost_leases(&self) -> usize {
        let services = self.premises.services().iter();
        services.map(|service| service.process.log().matches("does not lead any more").count()).sum()
    }

    /// Connects to the message server as the administrator.
    pub(super) async fn admin(&self) -> Result<async_nats::jetstream::Context> {
        let options = async_nats::ConnectOptions::with_user_and_password("admin".to_owned(), "admin-dev".to_owned());
        let client = options.custom_inbox_prefix("_INBOX_admin").connect(self.premises.nats.url()).await;
        Ok(async_nats::jetstream::new(client.context("connecting as admin")?))
    }
}
