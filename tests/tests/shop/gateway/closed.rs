//! The gateway while the intake is closed: it refuses orders, says when to come back, and accepts them again by itself.

use gateway::identity::Role;
use shop_tests::{PATIENCE, Plan, Reply, Shop};
use testkit::until;

use super::{Visitor, id_of};

/// `Retry-After` is the rest of the breaker's cycle, which takes five seconds.
const RETRY_AFTER_SECONDS: std::ops::RangeInclusive<u64> = 1..=5;

/// Orders again and again until orders are refused. Returns the ids of those that were accepted.
async fn order_until_refused(ada: &Visitor<'_>, refusal: &str) -> Vec<String> {
    let accepted = std::sync::Mutex::new(Vec::new());
    let refused: Reply = until(format_args!("a refusal, {refusal}"), PATIENCE, async || {
        let reply = ada.order("automatic", "wait=0").await;
        if reply.status != 202 {
            return Ok(reply);
        }
        accepted.lock().unwrap().push(id_of(&reply));
        Err("accepted")
    })
    .await;
    assert!(refused.retry_after.is_some_and(|seconds| RETRY_AFTER_SECONDS.contains(&seconds)), "{refused:?}");
    assert_eq!(refused.problem(&[503])["type"], format!("urn:problem:{refusal}"));
    accepted.into_inner().unwrap()
}

/// Waits until an order is accepted again, and all of them are completed.
async fn expect_open_again(ada: &Visitor<'_>, mut accepted: Vec<String>) {
    let last = until("an order to be accepted again", PATIENCE, async || {
        let reply = ada.order("automatic", "wait=0").await;
        if reply.status == 202 { Ok(id_of(&reply)) } else { Err(format!("{reply:?}")) }
    })
    .await;
    accepted.push(last);
    for id in &accepted {
        ada.expect(id, "completed").await;
    }
    let path = format!("/wallets/{}", ada.id);
    let wallet = ada.shop.get("wallet", &path).await.ok();
    let spent = i64::try_from(accepted.len()).unwrap() * TEA;
    assert_eq!(wallet["balances"][0]["amount_minor"], OPENING - spent, "{wallet}");
}

/// What a demonstration's wallet has at first, and what tea costs, in cents.
const OPENING: i64 = 100_000;
const TEA: i64 = 450;

#[tokio::test]
async fn while_the_wallet_is_gone_orders_are_refused_and_accepted_again_when_it_is_back() {
    let plan = Plan::new().without_limits().set_all("OVERDUE_AFTER", "2s").set_all("MESSAGE_DEADLINE", "1h");
    // Only so many orders wait as the customer has money for.
    let shop = Shop::open_with(plan.set("payment", "DEBIT_BACKOFF", "60s")).await;
    let ada = Visitor::new(&shop, Role::Customer);
    let before = id_of(&ada.order("automatic", "wait=8").await);
    ada.expect(&before, "completed").await;
    shop.premises.process("wallet").kill();
    let waiting = id_of(&ada.order("automatic", "wait=0").await);
    shop.expect_published("payment", "debit-wallet", &waiting).await;
    until("the circuit of debit-wallet to be open", PATIENCE, async || {
        let circuits = shop.get("payment", "/circuits").await.ok();
        if circuits["intake_closed"] == true { Ok(()) } else { Err(circuits) }
    })
    .await;
    let mut accepted = order_until_refused(&ada, "circuit-open").await;
    accepted.extend([before, waiting.clone()]);
    // What is there already can be looked at.
    assert_eq!(ada.get(&format!("/api/orders/{waiting}")).await.ok()["status"], "pending");
    shop.premises.process("wallet").restart().unwrap();
    shop.premises.ready(shop.premises.service("wallet")).await;
    expect_open_again(&ada, accepted).await;
}

#[tokio::test]
async fn without_the_server_orders_are_accepted_until_the_gateways_backlog_is_full() {
    let shop = Shop::open_with(Plan::new().without_limits().set("gateway", "BACKLOG_MAX", "20")).await;
    let ada = Visitor::new(&shop, Role::Customer);
    shop.premises.process("nats-server").kill();
    let accepted = order_until_refused(&ada, "backlog-full").await;
    assert!(accepted.len() >= 20, "{} were accepted", accepted.len());
    assert_eq!(ada.get(&format!("/api/orders/{}", accepted[0])).await.ok()["status"], "accepted");
    shop.premises.nats.restart().unwrap();
    expect_open_again(&ada, accepted).await;
}
