//! What must hold at the end: every accepted order has ended, money and stock are conserved, a cancelled order keeps
//! neither and has no delivery, nothing was done twice, and every customer was told.

use std::collections::BTreeMap;

use serde_json::Value;

use super::customers::Placed;
use super::evidence::{Evidence, Known, Wallet};
use crate::invariants::{MONEYLESS, is_active, paid_minor};

/// How many examples of what is broken are shown.
const SHOWN_MAX: usize = 3;

/// What is broken, by the rule that it breaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Broken(BTreeMap<&'static str, (u64, Vec<String>)>);

impl Broken {
    fn add(&mut self, rule: &'static str, example: impl FnOnce() -> String) {
        let (count, shown) = self.0.entry(rule).or_default();
        *count += 1;
        if shown.len() < SHOWN_MAX {
            shown.push(example());
        }
    }

    fn unless(&mut self, holds: bool, rule: &'static str, example: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, example);
        }
    }

    /// Returns a sentence for each rule.
    pub(super) fn sentences(&self) -> Vec<String> {
        let sentence = |(rule, (count, shown)): (&&str, &(u64, Vec<String>))| {
            format!("{rule}: {count} times not so, as in {}", shown.join("; "))
        };
        self.0.iter().map(sentence).collect()
    }
}

/// Returns what does not hold.
pub(super) fn broken(evidence: &Evidence) -> Broken {
    let mut broken = Broken::default();
    let nothing = Known::default();
    let placed: BTreeMap<&str, &Placed> = evidence.placed.iter().map(|order| (order.id.as_str(), order)).collect();
    broken.unless(placed.len() == evidence.placed.len(), "every order has an id of its own", String::new);
    for order in &evidence.placed {
        judge_order(&mut broken, order, evidence.orders.get(&order.id).unwrap_or(&nothing));
    }
    for (id, known) in &evidence.orders {
        let rule = "every order was placed by a customer";
        broken.unless(placed.contains_key(id.as_str()), rule, || format!("{id}: {known:?}"));
    }
    for (customer, wallet) in &evidence.wallets {
        judge_wallet(&mut broken, customer, wallet);
    }
    judge_shelf(&mut broken, evidence);
    judge_dealers(&mut broken, evidence);
    broken
}

fn judge_order(broken: &mut Broken, order: &Placed, known: &Known) {
    let status = known.order["status"].as_str().unwrap_or("not known to order");
    let example = || format!("{:?} {}: {known:?}", order.wish, order.id);
    let (is_completed, is_cancelled) = (status == "completed", status == "cancelled");
    broken.unless(is_completed || is_cancelled, "every accepted order ends", example);
    if !is_completed && !is_cancelled {
        return;
    }
    broken.unless(is_completed || known.order["reason"].is_string(), "a cancelled order has a reason", example);
    broken.unless(!(is_completed && order.wish.is_vain()), "what can't be done is not done", example);
    broken.unless(known.payments.len() <= 1, "an order has one payment", example);
    broken.unless(known.deliveries.len() <= 1, "an order has one delivery", example);
    let count = |kind: &str| known.operations.iter().filter(|operation| operation["kind"] == kind).count();
    broken.unless(count("debit") <= 1 && count("refund") <= 1, "an order is paid and refunded once", example);
    let status_of = |rows: &[Value]| rows.first().and_then(|row| row["status"].as_str()).unwrap_or_default().to_owned();
    let (payment, delivery) = (status_of(&known.payments), status_of(&known.deliveries));
    let paid = paid_minor(&known.operations);
    if is_completed {
        let total = known.order["total"]["amount_minor"].as_i64();
        let is_paid = payment == "confirmed" && total == Some(paid) && paid > 0;
        broken.unless(is_paid, "a completed order is paid, with its total", example);
        broken.unless(is_active(&delivery), "a completed order has a delivery", example);
    } else {
        let keeps_none = paid == 0 && (payment.is_empty() || MONEYLESS.contains(&payment.as_str()));
        broken.unless(keeps_none, "a cancelled order keeps no money", example);
        broken.unless(!is_active(&delivery), "a cancelled order has no active delivery", example);
    }
    judge_mails(broken, is_completed, order, known);
}

fn judge_mails(broken: &mut Broken, is_completed: bool, order: &Placed, known: &Known) {
    let example = || format!("{:?} {}: {:?} {:?}", order.wish, order.id, known.order, known.mails);
    let told = |news: &str| known.mails.contains_key(&format!("Your order {} {news}", order.id));
    let once = known.mails.values().all(|ids| ids.len() == 1);
    broken.unless(once, "a customer is told once of each status", example);
    let end = if is_completed { told("is on its way") } else { told("was cancelled") };
    broken.unless(end, "every customer is told of the end", example);
    let paid = told("is paid") || known.paid_is_outdated || !is_completed;
    broken.unless(paid, "every customer is told of the payment, unless the end was told before", example);
    let other = if is_completed { told("was cancelled") } else { told("is on its way") };
    broken.unless(!other, "no customer is told of another end", example);
}

fn judge_wallet(broken: &mut Broken, customer: &str, wallet: &Wallet) {
    let amount = |operation: &Value| {
        let amount = operation["amount"]["amount_minor"].as_i64().unwrap_or_default();
        if operation["kind"] == "debit" { -amount } else { amount }
    };
    let (sum, balance) = (wallet.operations.iter().map(amount).sum::<i64>(), wallet.balance_minor);
    let example = || format!("wallet {customer}: {balance}, and {sum} by its operations");
    broken.unless(sum == balance, "a balance is the sum of its operations", example);
    broken.unless(balance >= 0, "no balance is below zero", example);
}

fn judge_shelf(broken: &mut Broken, evidence: &Evidence) {
    let mut sold = BTreeMap::<&str, i64>::new();
    for order in &evidence.placed {
        let known = evidence.orders.get(&order.id);
        if known.is_some_and(|known| known.order["status"] == "completed") {
            order.lines.iter().for_each(|(sku, pieces)| *sold.entry(sku).or_default() += pieces);
        }
    }
    for product in &evidence.products {
        let sku = product["sku"].as_str().unwrap_or_default();
        let sold = sold.get(sku).copied().unwrap_or_default();
        let left = evidence.stock.get(sku).map(|stock| stock - sold);
        let example = || format!("{sold} sold of {:?}: {product}", evidence.stock.get(sku));
        broken.unless(product["stock"].as_i64() == left, "what is sold leaves the shelf, and nothing else", example);
        broken.unless(product["held"] == 0, "nothing is held for orders that have ended", example);
    }
}

fn judge_dealers(broken: &mut Broken, evidence: &Evidence) {
    let mut assigned = BTreeMap::<(&str, &str), i64>::new();
    for delivery in evidence.orders.values().flat_map(|known| &known.deliveries) {
        if let (Some(zone), Some(dealer)) = (delivery["address"]["zone"].as_str(), delivery["dealer"].as_str())
            && delivery["status"] == "assigned"
        {
            *assigned.entry((zone, dealer)).or_default() += 1;
        }
    }
    for dealer in &evidence.dealers {
        let (zone, name) = (dealer["zone"].as_str().unwrap_or_default(), dealer["name"].as_str().unwrap_or_default());
        let has = assigned.get(&(zone, name)).copied().unwrap_or_default();
        let rule = "a dealer is as busy as the deliveries say";
        broken.unless(dealer["active"].as_i64() == Some(has), rule, || format!("{has} deliveries: {dealer}"));
    }
}

#[cfg(test)]
mod tests;
