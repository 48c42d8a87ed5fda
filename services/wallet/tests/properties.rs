//! The properties of wallet, and that no money is lost.

use choreography::testing::{Moment, Properties};
use contracts::{CustomerId, DebitWallet, Money, OperationId, OrderId, RefundWallet};
use wallet::debit::{Debit, Status};
use wallet::operation::{Kind, Operation};
use wallet::wallet::Wallet;

/// Returns what the operations of a customer come to.
fn sum(operations: &[Operation], customer: CustomerId, balance: Money) -> i64 {
    let of = operations.iter().filter(|operation| operation.customer_id == customer);
    let of = of.filter(|operation| operation.amount.currency == balance.currency);
    of.map(|operation| match operation.kind {
        Kind::Debit => -operation.amount.amount_minor,
        Kind::Deposit | Kind::Opening | Kind::Refund => operation.amount.amount_minor,
    })
    .sum()
}

fn books_every_change(story: &Moment<'_>) {
    let operations = story.rows::<Operation>();
    for wallet in story.rows::<Wallet>() {
        for balance in wallet.balances {
            assert_eq!(balance.amount_minor, sum(&operations, wallet.customer_id, balance));
            assert!(balance.amount_minor >= 0);
        }
    }
}

/// An order that was refunded keeps no money.
fn keeps_no_money_of_refunded_orders(story: &Moment<'_>) {
    if let Some(refund) = story.done::<RefundWallet>() {
        let debit = story.row::<Debit>(&refund.order_id).expect("a refund leaves a row");
        assert_ne!(debit.status, Status::Booked);
    }
}

/// A debit that is refunded leaves every balance as if it had never been.
fn restores_balances(story: &Moment<'_>) {
    let debit = story.own_row::<Debit>().expect("a refund leaves a row");
    assert!(debit.has_ended(), "{:?}", debit.status);
    if story.own_row_before::<Debit>().is_none() {
        // A debit of nothing opens a balance of nothing in its currency.
        let money =
            |wallet: Wallet| wallet.balances.into_iter().filter(|balance| balance.amount_minor > 0).collect::<Vec<_>>();
        for before in story.rows_before::<Wallet>() {
            let after = story.row::<Wallet>(&before.customer_id).expect("a wallet stays");
            assert_eq!(money(after), money(before));
        }
    }
}

/// Whether an operation of another kind or order has this id: ids of operations are never given twice.
fn is_taken(id: OperationId, kind: Kind, order: OrderId, story: &Moment<'_>) -> bool {
    let known = story.row::<Operation>(&id);
    known.is_some_and(|known| (known.kind, known.order_id) != (kind, Some(order)))
}

#[test]
fn wallet_has_every_property_of_a_service() {
    for is_demo in [false, true] {
        let properties = Properties::of(wallet::choreography(is_demo))
            .excludes(|message: &DebitWallet, story| {
                is_taken(message.operation_id, Kind::Debit, message.order_id, story)
            })
            .excludes(|message: &RefundWallet, story| {
                is_taken(message.operation_id, Kind::Refund, message.order_id, story)
            })
            .keeps("a balance is the sum of its operations", books_every_change)
            .keeps("a refunded order keeps no money", keeps_no_money_of_refunded_orders)
            .race::<DebitWallet, RefundWallet>(restores_balances);
        let reaches = |properties: Properties, status: Status| {
            properties.reaches(format!("a debit that is {status:?}"), move |story| {
                story.rows::<Debit>().iter().any(|debit| debit.status == status)
            })
        };
        let all = [Status::Booked, Status::Refused, Status::Reversed, Status::Cancelled];
        all.into_iter().fold(properties, reaches).check();
    }
}
