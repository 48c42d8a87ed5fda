//! Each rule is seen to be broken.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::*;
use crate::chaos::customers::Wish;

const BOUGHT: &str = "bought";
const CANCELLED: &str = "cancelled";

fn placed(id: &str, wish: Wish) -> Placed {
    let (customer_id, email) = ("ada".to_owned(), format!("{id}@example.com"));
    Placed { id: id.to_owned(), wish, customer_id, email, lines: BTreeMap::from([("tea".to_owned(), 2)]) }
}

fn mails(id: &str, news: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    news.iter().map(|news| (format!("Your order {id} {news}"), BTreeSet::from([format!("{news} {id}")]))).collect()
}

/// Returns what is known after one order that was completed, and one that was cancelled after it was paid.
fn well() -> Evidence {
    let operation = |kind: &str, order: &str| json!({"kind": kind, "amount": {"amount_minor": 900}, "order_id": order});
    let address = json!({"zone": "north"});
    let bought = Known {
        order: json!({"status": "completed", "reason": null, "total": {"amount_minor": 900}}),
        payments: vec![json!({"status": "confirmed"})],
        deliveries: vec![json!({"status": "assigned", "address": address, "dealer": "Nora"})],
        operations: vec![operation("debit", BOUGHT)],
        mails: mails(BOUGHT, &["is paid", "is on its way"]),
        ..Known::default()
    };
    let cancelled = Known {
        order: json!({"status": "cancelled", "reason": "no-dealer", "total": {"amount_minor": 900}}),
        payments: vec![json!({"status": "refunded"})],
        deliveries: vec![json!({"status": "refused", "address": address, "dealer": null})],
        operations: vec![operation("refund", CANCELLED), operation("debit", CANCELLED)],
        mails: mails(CANCELLED, &["is paid", "was cancelled"]),
        ..Known::default()
    };
    let booked = [vec![json!({"kind": "deposit", "amount": {"amount_minor": 1000}})], bought.operations.clone()];
    let wallet = Wallet { balance_minor: 100, operations: [booked.concat(), cancelled.operations.clone()].concat() };
    Evidence {
        placed: vec![placed(BOUGHT, Wish::Buy), placed(CANCELLED, Wish::Nowhere)],
        orders: BTreeMap::from([(BOUGHT.to_owned(), bought), (CANCELLED.to_owned(), cancelled)]),
        wallets: BTreeMap::from([("ada".to_owned(), wallet)]),
        products: vec![json!({"sku": "tea", "stock": 8, "held": 0})],
        stock: BTreeMap::from([("tea".to_owned(), 10)]),
        dealers: vec![json!({"zone": "north", "name": "Nora", "active": 1})],
        mails_again: 0,
    }
}

/// Returns the rules that are broken after a change.
fn after(change: impl FnOnce(&mut Evidence)) -> Vec<String> {
    let mut evidence = well();
    change(&mut evidence);
    broken(&evidence).sentences().iter().filter_map(|sentence| Some(sentence.split_once(':')?.0.to_owned())).collect()
}

/// Returns the rules that are broken after a change of what is known of an order.
fn after_known(id: &str, change: impl FnOnce(&mut Known)) -> Vec<String> {
    after(|evidence| change(evidence.orders.get_mut(id).unwrap()))
}

#[test]
fn nothing_is_broken_when_all_is_well() {
    assert_eq!(after(|_| ()), Vec::<String>::new());
}

#[test]
fn an_order_that_has_not_ended_or_is_unknown_is_found() {
    let open = after_known(CANCELLED, |known| known.order["status"] = "pending".into());
    assert_eq!(open, ["every accepted order ends"]);
    assert_eq!(after(|evidence| evidence.placed.push(placed("lost", Wish::Buy))), ["every accepted order ends"]);
    let twice = after(|evidence| drop(evidence.orders.insert("twice".to_owned(), Known::default())));
    assert_eq!(twice, ["every order was placed by a customer"]);
    let silent = after_known(CANCELLED, |known| known.order["reason"] = Value::Null);
    assert_eq!(silent, ["a cancelled order has a reason"]);
    assert_eq!(after(|evidence| evidence.placed[0].wish = Wish::Poor), ["what can't be done is not done"]);
}

#[test]
fn money_that_is_kept_or_taken_twice_is_found() {
    let unpaid = after_known(BOUGHT, |known| known.operations.clear());
    assert_eq!(unpaid, ["a completed order is paid, with its total"]);
    let kept = after_known(CANCELLED, |known| drop(known.operations.remove(0)));
    assert_eq!(kept, ["a cancelled order keeps no money"]);
    let kept = after_known(CANCELLED, |known| known.payments[0]["status"] = "confirmed".into());
    assert_eq!(kept, ["a cancelled order keeps no money"]);
    let twice = after_known(CANCELLED, |known| known.operations.extend(known.operations.clone()));
    assert_eq!(twice, ["an order is paid and refunded once"]);
    let vanished = after(|evidence| evidence.wallets.get_mut("ada").unwrap().balance_minor = 99);
    assert_eq!(vanished, ["a balance is the sum of its operations"]);
}

#[test]
fn deliveries_and_pieces_that_do_not_fit_the_orders_are_found() {
    let active = after_known(CANCELLED, |known| known.deliveries[0]["status"] = "assigned".into());
    assert_eq!(active, ["a cancelled order has no active delivery"]);
    let forgotten = after_known(BOUGHT, |known| known.deliveries.clear());
    assert_eq!(forgotten, ["a completed order has a delivery", "a dealer is as busy as the deliveries say"]);
    let twice = after_known(CANCELLED, |known| known.deliveries.extend(known.deliveries.clone()));
    assert_eq!(twice, ["an order has one delivery"]);
    let held = after(|evidence| evidence.products[0]["held"] = 1.into());
    assert_eq!(held, ["nothing is held for orders that have ended"]);
    let shipped = after(|evidence| evidence.products[0]["stock"] = 7.into());
    assert_eq!(shipped, ["what is sold leaves the shelf, and nothing else"]);
}

#[test]
fn a_customer_who_is_told_twice_or_never_or_wrongly_is_found() {
    let never = after_known(BOUGHT, |known| drop(known.mails.pop_first()));
    assert_eq!(never, ["every customer is told of the end"]);
    let untold = |outdated| {
        after_known(BOUGHT, |known| {
            known.mails.retain(|subject, _| !subject.ends_with("is paid"));
            known.paid_is_outdated = outdated;
        })
    };
    assert_eq!(untold(false), ["every customer is told of the payment, unless the end was told before"]);
    assert!(untold(true).is_empty());
    let twice = after_known(BOUGHT, |known| {
        known.mails.values_mut().for_each(|ids| ids.extend(["another".to_owned()]));
    });
    assert_eq!(twice, ["a customer is told once of each status"]);
    let wrongly = after_known(BOUGHT, |known| known.mails.extend(mails(BOUGHT, &["was cancelled"])));
    assert_eq!(wrongly, ["no customer is told of another end"]);
}
