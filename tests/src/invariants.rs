//! What must hold after everything: no order is left on its way, nothing is done twice, and a cancelled order keeps
//! no money, holds no stock and has no active delivery.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use testkit::until;

use crate::orders::Order;
use crate::shelf::{Product, pieces};
use crate::shop::{PATIENCE, Shop};
use crate::wire::OutgoingMessage;

/// Payments that keep no money.
const MONEYLESS: [&str; 4] = ["cancelled", "refused", "expired", "refunded"];

/// What may be said about an order at most, and how many different ones of it.
const SAID_MAX: [(&str, &str, usize); 10] = [
    ("order", "reserve-stock", 1),
    ("inventory", "create-payment", 1),
    ("payment", "payment-created", 1),
    ("payment", "order-confirmed", 1),
    ("payment", "cancel-order", 1),
    ("order", "create-delivery", 1),
    ("delivery", "delivery-assigned", 1),
    ("delivery", "cancel-payment", 2),
    ("order", "cancel-payment", 1),
    ("order", "cancel-delivery", 1),
];

impl Shop {
    /// Waits for the end of every order of this test, and checks what must hold of each.
    ///
    /// # Panics
    /// When it does not.
    pub async fn expect_invariants(&self) {
        let placed = self.placed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        let mut ended = Vec::new();
        for order in &placed {
            let status = self.expect(order, "ended").await["status"].as_str().unwrap_or_default().to_owned();
            ended.push((order, status));
        }
        self.expect_heard().await;
        let mut outgoing = self.outgoing(">").await;
        let by_hand = self.said_by_hand.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        outgoing.retain(|outgoing| outgoing.id.as_ref().is_none_or(|id| !by_hand.contains(id)));
        for (order, status) in &ended {
            let story: Vec<&OutgoingMessage> = outgoing.iter().filter(|outgoing| outgoing.key == order.id).collect();
            expect_nothing_twice(&order.id, &story);
            self.expect_settled(order, status).await;
        }
        let products = self.products.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        for product in &products {
            self.expect_shelf(product, &ended).await;
        }
        self.expect_told(&ended).await;
    }

    /// Money and dealer: kept for a completed order, given back for a cancelled one.
    async fn expect_settled(&self, order: &Order, status: &str) {
        let what = format!("money and dealer of order {}, {status}, to be settled", order.id);
        until(what, PATIENCE, async || {
            let payments = self.list("payment", &format!("/payments?order_id={}", order.id)).await;
            let deliveries = self.deliveries(order).await;
            assert!(payments.len() <= 1 && deliveries.len() <= 1, "twice: {payments:?} {deliveries:?}");
            let status_of = |rows: &[Value]| rows.first().and_then(|row| row["status"].as_str()).map(str::to_owned);
            let (payment, delivery) = (status_of(&payments), status_of(&deliveries));
            let settled = if status == "completed" {
                payment.as_deref() == Some("confirmed") && delivery.is_some_and(|delivery| is_active(&delivery))
            } else {
                payment.is_none_or(|payment| MONEYLESS.contains(&payment.as_str()))
                    && !delivery.is_some_and(|delivery| is_active(&delivery))
            };
            if settled { Ok(()) } else { Err(format!("{payments:?} {deliveries:?}")) }
        })
        .await;
    }

    /// Stock: what was completed has left the shelf, and nothing is held any more.
    async fn expect_shelf(&self, product: &Product, ended: &[(&Order, String)]) {
        let completed = ended.iter().filter(|(_, status)| status == "completed").flat_map(|(order, _)| &order.lines);
        let sold: i64 = completed.filter(|(sku, _)| *sku == product.sku).map(|(_, pieces)| i64::from(*pieces)).sum();
        until(format_args!("the shelf of {} to be right", product.sku), PATIENCE, async || {
            let now = self.get("inventory", &format!("/products/{}", product.sku)).await.ok();
            let (stock, held) = (pieces(&now, "stock"), pieces(&now, "held"));
            let right = stock == product.stock - sold && held == 0;
            if right { Ok(()) } else { Err(format!("{now}, {sold} sold of {}", product.stock)) }
        })
        .await;
    }

    /// Mail: a paid order has one about that, and each has one about its end; sent twice, they have one `Message-ID`.
    async fn expect_told(&self, ended: &[(&Order, String)]) {
        until("every customer to be told", PATIENCE, async || {
            let mut mails: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            for mail in self.all_mails() {
                mails.entry(mail.to).or_default().insert(mail.message_id);
            }
            let mut updates: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
            for outgoing in self.outgoing("order.order-updated.*").await {
                updates.entry(outgoing.key).or_default().insert(outgoing.id);
            }
            for (order, status) in ended {
                let count = mails.get(&order.email).map_or(0, BTreeSet::len);
                let wanted = updates.get(&order.id).map_or(0, BTreeSet::len);
                let seen = format!("{count} mails, {wanted} updates of order {}, {status}", order.id);
                assert!(count <= wanted && wanted <= 2, "told twice: {seen}");
                if wanted == 0 || count < wanted {
                    return Err(seen);
                }
            }
            Ok(())
        })
        .await;
    }
}

fn is_active(delivery: &str) -> bool {
    ["assigned", "active", "completed"].contains(&delivery)
}

/// Done twice, a step says other messages: no message has two ids.
fn expect_nothing_twice(order: &str, story: &[&OutgoingMessage]) {
    for (publisher, name, max) in SAID_MAX {
        let same = story.iter().filter(|outgoing| outgoing.publisher == publisher && outgoing.name == name);
        let ids: BTreeSet<_> = same.map(|outgoing| &outgoing.id).collect();
        assert!(ids.len() <= max, "{publisher}.{name}.{order} was said with {} ids: {story:#?}", ids.len());
    }
}
