//! Money is where it belongs, whatever happens between payment and wallet, and whichever message comes first.

use std::time::Duration;

use choreography::testing::Harness;
use contracts::{CancelReason, Currency, ExpirePayment, Money, OperationId, OrderId, RefundWallet, WalletDebited};
use inventory::stock::Stock;
use lettre::transport::stub::AsyncStubTransport;
use order::customer::WithdrawOrder;
use order::order::{Order, Status};
use payment::customer::{ConfirmPayment, DeclinePayment};
use payment::payment::{Payment, Status as PaymentStatus};
use wallet::debit::{Debit, Status as DebitStatus};
use wallet::wallet::Wallet;

use crate::{DEADLINE, open, order, sku};

/// What a demonstration's wallet has at first, in cents.
const OPENING: i64 = 100_000;
/// What an order costs, in cents.
const PRICE: i64 = 900;

fn shop() -> Harness {
    open(0, &AsyncStubTransport::new_ok(), 50, 9)
}

/// Orders, and returns the order once its payment waits for the customer.
fn ordered(shop: &Harness, zone: &str) -> OrderId {
    let order_id = order(shop, "tea", zone, None);
    shop.until::<Payment>(&order_id, |payment| payment.status == PaymentStatus::Pending);
    order_id
}

/// Orders and pays while the wallet is down: the payment is `processing`.
fn processing(shop: &mut Harness) -> OrderId {
    let order_id = ordered(shop, "north");
    shop.crash("wallet");
    assert_eq!(shop.execute(ConfirmPayment { order_id }).unwrap().status, PaymentStatus::Processing);
    order_id
}

fn ends(shop: &Harness, order_id: OrderId) -> Order {
    shop.until::<Order>(&order_id, |order| matches!(order.status, Status::Completed | Status::Cancelled))
}

/// Returns how much the order's customer has, in cents; a wallet that is not open yet will have its opening balance.
fn balance(shop: &Harness, order_id: OrderId) -> i64 {
    let customer_id = shop.get::<Order>(&order_id).unwrap().customer_id;
    shop.get::<Wallet>(&customer_id).map_or(OPENING, |wallet| wallet.balance(Currency::EUR).amount_minor)
}

fn count(shop: &Harness, message: &str, order_id: OrderId) -> usize {
    let key = order_id.to_string();
    shop.published().iter().filter(|published| published.message() == message && published.key() == key).count()
}

/// Checks that the order is cancelled for this reason, and that its money and its pieces are back.
fn expect_undone(shop: &Harness, order_id: OrderId, reason: CancelReason) {
    let order = ends(shop, order_id);
    assert_eq!((order.status, order.reason), (Status::Cancelled, Some(reason)));
    shop.advance(Duration::from_secs(60));
    assert_eq!(balance(shop, order_id), OPENING);
    assert_ne!(shop.get::<Debit>(&order_id).map(|debit| debit.status), Some(DebitStatus::Booked));
    assert_eq!(shop.get::<Stock>(&sku("tea")).map(|stock| (stock.on_shelf, stock.held)), Some((50, 0)));
    assert_eq!(count(shop, "cancel-order", order_id), 1);
}

#[test]
fn the_operation_that_pays_is_on_the_payment_and_on_the_order() {
    let shop = shop();
    let order_id = ordered(&shop, "north");
    shop.execute(ConfirmPayment { order_id }).unwrap();
    let order = ends(&shop, order_id);
    let payment = shop.get::<Payment>(&order_id).unwrap();
    let debit = shop.get::<Debit>(&order_id).unwrap();
    assert_eq!(
        (order.status, payment.status, debit.status),
        (Status::Completed, PaymentStatus::Confirmed, DebitStatus::Booked)
    );
    assert!(debit.operation_id.is_some());
    assert_eq!((order.operation_id, payment.operation_id), (debit.operation_id, debit.operation_id));
    assert_eq!(balance(&shop, order_id), OPENING - PRICE);
}

#[test]
fn an_order_that_costs_more_than_the_wallet_has_is_cancelled_and_says_why() {
    let shop = open(0, &AsyncStubTransport::new_ok(), 50, 9);
    let price = Money::new(50_001, Currency::EUR);
    let name = "Tea".to_owned();
    let dear = inventory::catalogue::PutProduct { sku: sku("tea"), name, description: None, price, stock: 0 };
    shop.execute(dear).unwrap();
    let order_id = ordered(&shop, "north");
    shop.execute(ConfirmPayment { order_id }).unwrap();
    expect_undone(&shop, order_id, CancelReason::InsufficientFunds);
    let payment = shop.get::<Payment>(&order_id).unwrap();
    assert_eq!((payment.status, payment.operation_id), (PaymentStatus::Refused, None));
    assert_eq!(count(&shop, "refund-wallet", order_id), 0, "nothing was taken");
}

#[test]
fn a_payment_that_is_confirmed_again_while_it_waits_for_the_wallet_is_the_same_payment() {
    let mut shop = shop();
    let order_id = processing(&mut shop);
    let before = shop.get::<Payment>(&order_id).unwrap();
    assert_eq!(shop.execute(ConfirmPayment { order_id }).unwrap(), before);
    shop.start_instance("wallet");
    assert_eq!(ends(&shop, order_id).status, Status::Completed);
    assert_eq!((balance(&shop, order_id), count(&shop, "wallet-debited", order_id)), (OPENING - PRICE, 1));
}

#[test]
fn a_payment_that_is_cancelled_while_it_waits_for_the_wallet_costs_nothing() {
    let mut shop = shop();
    let order_id = processing(&mut shop);
    assert_eq!(shop.execute(DeclinePayment { order_id }).unwrap().status, PaymentStatus::Cancelled);
    shop.start_instance("wallet");
    expect_undone(&shop, order_id, CancelReason::PaymentCancelled);
    assert_eq!(count(&shop, "refund-wallet", order_id), 1);
    assert_eq!(shop.get::<Payment>(&order_id).unwrap().status, PaymentStatus::Cancelled, "the late answer is ignored");
}

#[test]
fn an_order_that_is_cancelled_while_its_payment_waits_for_the_wallet_costs_nothing() {
    let mut shop = shop();
    let order_id = processing(&mut shop);
    shop.execute(WithdrawOrder { order_id }).unwrap();
    shop.start_instance("wallet");
    expect_undone(&shop, order_id, CancelReason::CustomerCancelled);
}

#[test]
fn a_refund_that_overtakes_the_debit_leaves_a_tombstone() {
    let shop = shop();
    let order_id = ordered(&shop, "north");
    let operation_id: OperationId = shop.service("payment").new_id();
    let refund = RefundWallet { order_id, operation_id, reason: CancelReason::CustomerCancelled };
    shop.publish("payment", &refund);
    shop.until::<Debit>(&order_id, |debit| debit.status == DebitStatus::Cancelled);
    shop.execute(ConfirmPayment { order_id }).unwrap();
    // Payment did not publish this refund, so it goes on waiting, and gives up at the limit.
    expect_undone(&shop, order_id, CancelReason::WalletUnreachable);
}

#[test]
fn a_deadline_that_passes_while_the_payment_waits_for_the_wallet_is_ignored() {
    let mut shop = shop();
    let order_id = processing(&mut shop);
    shop.publish("payment", &ExpirePayment { order_id });
    shop.advance(Duration::from_secs(2));
    assert_eq!(shop.get::<Payment>(&order_id).unwrap().status, PaymentStatus::Processing);
    shop.start_instance("wallet");
    assert_eq!(ends(&shop, order_id).status, Status::Completed);
}

#[test]
fn an_expired_payment_can_not_be_confirmed_and_never_reaches_the_wallet() {
    let shop = shop();
    let order_id = ordered(&shop, "north");
    shop.advance(DEADLINE);
    expect_undone(&shop, order_id, CancelReason::PaymentExpired);
    assert!(shop.execute(ConfirmPayment { order_id }).is_err());
    assert_eq!(count(&shop, "debit-wallet", order_id), 0);
}

#[test]
fn an_answer_of_the_wallet_that_can_not_be_true_is_poison_and_the_money_goes_back() {
    let mut shop = shop();
    let order_id = processing(&mut shop);
    let (operation_id, amount) = (shop.service("payment").new_id(), Money::new(PRICE, Currency::EUR));
    shop.publish("wallet", &WalletDebited { order_id, operation_id, amount });
    shop.start_instance("wallet");
    expect_undone(&shop, order_id, CancelReason::Failed);
    assert_eq!(shop.dead_letters().len(), 1);
}

#[test]
fn without_a_dealer_the_money_goes_back_by_an_operation_of_its_own() {
    let shop = shop();
    let order_id = ordered(&shop, "south");
    shop.execute(ConfirmPayment { order_id }).unwrap();
    expect_undone(&shop, order_id, CancelReason::NoDealer);
    assert_eq!(count(&shop, "refund-wallet", order_id), 1);
    assert_eq!(shop.get::<Payment>(&order_id).unwrap().status, PaymentStatus::Refunded);
    assert_eq!(shop.get::<Debit>(&order_id).unwrap().status, DebitStatus::Reversed);
}

#[test]
fn while_the_wallet_is_away_for_a_moment_the_money_is_requested_again_and_taken_once() {
    let mut shop = shop();
    let order_id = processing(&mut shop);
    shop.advance(Duration::from_secs(20));
    assert_eq!(count(&shop, "debit-wallet", order_id), 3, "at once, after 5 s, and 10 s later");
    shop.start_instance("wallet");
    assert_eq!(ends(&shop, order_id).status, Status::Completed);
    assert_eq!((balance(&shop, order_id), count(&shop, "wallet-debited", order_id)), (OPENING - PRICE, 1));
    shop.advance(Duration::from_secs(300));
    assert_eq!(count(&shop, "debit-wallet", order_id), 3, "requested again after the answer");
}

#[test]
fn a_wallet_that_stays_away_fails_the_order_and_takes_nothing_when_it_is_back() {
    // Back while the request is still valid, and after it has expired.
    for away in [200, 1_200] {
        let mut shop = shop();
        let order_id = processing(&mut shop);
        shop.advance(Duration::from_secs(away));
        assert_eq!(shop.get::<Payment>(&order_id).unwrap().status, PaymentStatus::Cancelled, "after {away} s");
        shop.start_instance("wallet");
        expect_undone(&shop, order_id, CancelReason::WalletUnreachable);
        let debit = shop.until::<Debit>(&order_id, |debit| debit.status != DebitStatus::Booked);
        assert_eq!(debit.status == DebitStatus::Reversed, away == 200, "after {away} s: {debit:?}");
    }
}
