//! What must hold at the end of every test: every order has ended, nothing happened twice, and a cancelled order keeps
//! no money, holds no stock and has no active delivery.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testkit::until;

use crate::orders::Order;
use crate::shelf::{Product, pieces};
use crate::shop::{PATIENCE, Shop};
use crate::wire::StoredMessage;

/// The statuses of payments that keep no money.
pub(crate) const MONEYLESS: [&str; 4] = ["cancelled", "refused", "expired", "refunded"];

/// How many different messages of a kind may be published about an order.
pub const PUBLISHED_MAX: [(&str, &str, usize); 14] = [
    ("gateway", "create-order", 1),
    ("order", "reserve-stock", 1),
    ("inventory", "create-payment", 1),
    ("payment", "payment-created", 1),
    ("wallet", "wallet-debited", 1),
    ("wallet", "debit-refused", 1),
    ("payment", "order-confirmed", 1),
    ("payment", "refund-wallet", 1),
    ("payment", "cancel-order", 1),
    ("order", "create-delivery", 1),
    ("delivery", "delivery-assigned", 1),
    ("delivery", "cancel-payment", 2),
    ("order", "cancel-payment", 1),
    ("order", "cancel-delivery", 1),
];

impl Shop {
    /// Waits for the end of every order of this test, and checks the invariants of each.
    ///
    /// # Panics
    /// When one does not hold.
    pub async fn expect_invariants(&self) {
        let placed = self.placed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let mut ended = Vec::new();
        for order in &placed {
            let status = self.expect(order, "ended").await["status"].as_str().unwrap_or_default().to_owned();
            ended.push((order, status));
        }
        self.expect_all_received().await;
        let mut messages = self.published(">").await;
        let by_hand = self.published_by_hand.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        messages.retain(|message| message.id.as_ref().is_none_or(|id| !by_hand.contains(id)));
        for (order, status) in &ended {
            let story: Vec<&StoredMessage> = messages.iter().filter(|message| message.key == order.id).collect();
            expect_nothing_twice(&order.id, &story);
            self.expect_settled(order, status).await;
        }
        let products = self.products.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        for product in &products {
            self.expect_shelf(product, &ended).await;
        }
        self.expect_notified(&ended).await;
    }

    /// Waits until a completed order has its payment and delivery, a cancelled one neither.
    async fn expect_settled(&self, order: &Order, status: &str) {
        let what = format!("money and dealer of order {}, {status}, to be settled", order.id);
        until(what, PATIENCE, async || {
            let payments = self.list("payment", &format!("/payments?order_id={}", order.id)).await;
            let deliveries = self.deliveries(order).await;
            assert!(payments.len() <= 1 && deliveries.len() <= 1, "more than one: {payments:?} {deliveries:?}");
            let paid = paid_minor(&self.operations(order).await);
            let status_of = |rows: &[Value]| rows.first().and_then(|row| row["status"].as_str()).map(str::to_owned);
            let (payment, delivery) = (status_of(&payments), status_of(&deliveries));
            let settled = if status == "completed" {
                payment.as_deref() == Some("confirmed")
                    && delivery.is_some_and(|delivery| is_active(&delivery))
                    && payments.first().is_some_and(|payment| payment["amount"]["amount_minor"] == paid)
            } else {
                payment.is_none_or(|payment| MONEYLESS.contains(&payment.as_str()))
                    && paid == 0
                    && !delivery.is_some_and(|delivery| is_active(&delivery))
            };
            if settled { Ok(()) } else { Err(format!("{payments:?} {deliveries:?}, {paid} taken from the wallet")) }
        })
        .await;
    }

    /// Waits until the stock is reduced by the completed orders, and nothing is held any more.
    async fn expect_shelf(&self, product: &Product, ended: &[(&Order, String)]) {
        let completed = ended.iter().filter(|(_, status)| status == "completed").flat_map(|(order, _)| &order.lines);
        let sold: i64 = completed.filter(|(sku, _)| *sku == product.sku).map(|(_, pieces)| i64::from(*pieces)).sum();
        until(format_args!("the stock of {} to be right", product.sku), PATIENCE, async || {
            let now = self.get("inventory", &format!("/products/{}", product.sku)).await.ok();
            let (stock, held) = (pieces(&now, "stock"), pieces(&now, "held"));
            let right = stock == product.stock - sold && held == 0;
            if right { Ok(()) } else { Err(format!("{now}, {sold} sold of {}", product.stock)) }
        })
        .await;
    }

    /// Waits until each customer has one mail for each update of the order. A mail that is sent twice has one
    /// `Message-ID`.
    async fn expect_notified(&self, ended: &[(&Order, String)]) {
        until("every customer to be notified", PATIENCE, async || {
            let mut mails: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for mail in self.all_mails() {
                mails.entry(mail.to).or_default().insert(mail.message_id);
            }
            let mut updates: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
            for message in self.published("order.order-updated.*").await {
                updates.entry(message.key).or_default().insert(message.id);
            }
            for (order, status) in ended {
                let count = mails.get(&order.email).map_or(0, BTreeSet::len);
                let wanted = updates.get(&order.id).map_or(0, BTreeSet::len);
                let seen = format!("{count} mails, {wanted} updates of order {}, {status}", order.id);
                assert!(count <= wanted && wanted <= 2, "notified twice: {seen}");
                if wanted == 0 || count < wanted {
                    return Err(seen);
                }
            }
            Ok(())
        })
        .await;
    }
}

/// Returns how much an order's operations have taken from the wallet and not given back, in minor units.
pub(crate) fn paid_minor(operations: &[Value]) -> i64 {
    let taken = |operation: &Value| {
        let amount = operation["amount"]["amount_minor"].as_i64().unwrap_or_default();
        if operation["kind"] == "debit" { amount } else { -amount }
    };
    operations.iter().map(taken).sum()
}

/// Whether a delivery of this status is under way or done.
pub(crate) fn is_active(delivery: &str) -> bool {
    ["assigned", "active", "completed"].contains(&delivery)
}

/// Checks that nothing happened twice: that would have published messages with other ids.
fn expect_nothing_twice(order: &str, story: &[&StoredMessage]) {
    for (publisher, name, max) in PUBLISHED_MAX {
        let same = story.iter().filter(|message| message.publisher == publisher && message.name == name);
        let ids: BTreeSet<_> = same.map(|message| &message.id).collect();
        assert!(ids.len() <= max, "{publisher}.{name}.{order} was published with {} ids: {story:#?}", ids.len());
    }
}
