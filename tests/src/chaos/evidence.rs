//! What is known at the end of a run, read from the services' own HTTP interfaces, the mail server, and the stream.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt};
use serde_json::Value;

use super::client::Client;
use super::customers::Placed;
use super::mail_server::Received;

/// How many wallets are looked at at the same time.
const ASKED_AT_ONCE: usize = 8;

/// What is known of one order.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The order, by the order service; by the gateway if it never got there.
    pub(super) order: Value,
    pub(super) payments: Vec<Value>,
    pub(super) deliveries: Vec<Value>,
    /// The wallet's operations about it.
    pub(super) operations: Vec<Value>,
    /// The different `Message-ID`s of its mails, by subject.
    pub(super) mails: BTreeMap<String, BTreeSet<String>>,
    /// Whether notify left out the news that it was paid, because the customer had later ones: the news came late, out of
    /// a hole of the stream.
    pub(super) paid_is_outdated: bool,
}

/// One wallet.
#[derive(Debug, Clone, Default)]
pub(super) struct Wallet {
    pub(super) balance_minor: i64,
    pub(super) operations: Vec<Value>,
}

/// What is known at the end.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    pub(super) placed: Vec<Placed>,
    /// What is known of each order that somebody placed, or that a service knows.
    pub(super) orders: BTreeMap<String, Known>,
    pub(super) wallets: BTreeMap<String, Wallet>,
    pub(super) products: Vec<Value>,
    /// How many pieces of each product there were.
    pub(super) stock: BTreeMap<String, i64>,
    pub(super) dealers: Vec<Value>,
    /// How many mails came more than once.
    pub(super) mails_again: u64,
}

impl Evidence {
    /// Collects it.
    pub(super) async fn collect(
        client: &Client,
        placed: Vec<Placed>,
        stock: &BTreeMap<String, i64>,
        mails: &[Received],
    ) -> Result<Self> {
        let mut evidence = Self { placed, stock: stock.clone(), ..Self::default() };
        let (orders, payments) = (client.list("order", "/orders?"), client.list("payment", "/payments?"));
        let (orders, payments, deliveries) =
            futures::try_join!(orders, payments, client.list("delivery", "/deliveries?"))?;
        for order in orders {
            let known = evidence.of(&order["id"])?;
            known.order = order;
        }
        for payment in payments {
            evidence.of(&payment["order_id"])?.payments.push(payment);
        }
        for delivery in deliveries {
            evidence.of(&delivery["order_id"])?.deliveries.push(delivery);
        }
        evidence.products = client.list("inventory", "/products?").await?;
        evidence.dealers = client.list("delivery", "/dealers?").await?;
        evidence.look_into_wallets(client).await?;
        evidence.sort_mails(mails);
        evidence.look_for_outdated(client).await?;
        Ok(evidence)
    }

    /// Asks notify about the completed orders whose customers were not told that they were paid.
    async fn look_for_outdated(&mut self, client: &Client) -> Result<()> {
        for (id, known) in &mut self.orders {
            if known.order["status"] != "completed" || known.mails.contains_key(&format!("Your order {id} is paid")) {
                continue;
            }
            // All of an order come at once.
            let mails = client.get("notify", &format!("/notifications?order_id={id}")).await?;
            let mut mails = mails["items"].as_array().into_iter().flatten();
            known.paid_is_outdated = mails.any(|mail| mail["status"] == "paid" && mail["skipped"] == "outdated");
        }
        Ok(())
    }

    fn of(&mut self, order_id: &Value) -> Result<&mut Known> {
        let id = order_id.as_str().with_context(|| format!("an order without id: {order_id}"))?;
        Ok(self.orders.entry(id.to_owned()).or_default())
    }

    async fn look_into_wallets(&mut self, client: &Client) -> Result<()> {
        let customers: BTreeSet<String> = self.placed.iter().map(|order| order.customer_id.clone()).collect();
        let wallet = async |customer: String| -> Result<(String, Wallet)> {
            // The operations first: nothing is booked any more.
            let operations = client.list("wallet", &format!("/wallets/{customer}/operations?")).await?;
            let wallet = client.get("wallet", &format!("/wallets/{customer}")).await?;
            let balance_minor = wallet["balances"][0]["amount_minor"].as_i64().unwrap_or_default();
            Ok((customer, Wallet { balance_minor, operations }))
        };
        let wallets = futures::stream::iter(customers).map(wallet).buffer_unordered(ASKED_AT_ONCE);
        self.wallets = wallets.try_collect().await?;
        let operations: Vec<Value> = self.wallets.values().flat_map(|wallet| wallet.operations.clone()).collect();
        for operation in operations.into_iter().filter(|operation| !operation["order_id"].is_null()) {
            self.of(&operation["order_id"])?.operations.push(operation.clone());
        }
        Ok(())
    }

    fn sort_mails(&mut self, mails: &[Received]) {
        let orders: BTreeMap<&str, &str> =
            self.placed.iter().map(|order| (order.email.as_str(), order.id.as_str())).collect();
        for mail in mails {
            let order = orders.get(mail.to.as_str()).copied().unwrap_or("a mail to nobody");
            let ids = self.orders.entry(order.to_owned()).or_default().mails.entry(mail.subject.clone()).or_default();
            self.mails_again += u64::from(!ids.insert(mail.message_id.clone()));
        }
    }
}
