//! Every decision as a table: what is in the wallet before, what is published, what is in it after. Each function is
//! called twice.

use choreography::{Message, Reason};
use contracts::{Currency, CustomerId, Money, OperationId};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;

pub(crate) const EURO: Currency = Currency::EUR;

pub(crate) fn id<T: From<Uuid>>(number: u128) -> T {
    Uuid::from_u128(number).into()
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(crate) fn euros(cents: i64) -> Money {
    Money::new(cents, EURO)
}

/// Returns the wallet of customer 2 with this many cents.
pub(crate) fn wallet(cents: i64) -> Wallet {
    let mut wallet = Wallet::empty(id(2), at(0));
    wallet.put(euros(cents), at(0));
    wallet
}

fn request(cents: i64) -> DebitWallet {
    DebitWallet { order_id: id(1), operation_id: id(7), customer_id: id(2), amount: euros(cents) }
}

fn incoming<M: Message>(message: M) -> Incoming<M> {
    Incoming::new(message, id(9), at(5))
}

fn refund() -> Incoming<RefundWallet> {
    incoming(RefundWallet { order_id: id(1), operation_id: id(8), reason: CancelReason::NoDealer })
}

fn debit(status: Status) -> Debit {
    match status {
        Status::Booked | Status::Reversed => Debit { status, ..Debit::booked(&request(300), at(1)) },
        Status::Refused | Status::Cancelled => Debit::without_money(id(1), status, CancelReason::Failed, at(1)),
    }
}

/// The status of a debit, a balance in cents, and operations.
type Now = (Option<Status>, Option<i64>, Vec<(Kind, i64, i64)>);

/// What wallet knows of one order and its customer.
#[derive(Debug, Clone, PartialEq)]
struct World {
    debit: Option<Debit>,
    wallet: Option<Wallet>,
    operations: Rows<Operation>,
}

impl World {
    fn new(debit: Option<Debit>, wallet: Option<Wallet>) -> Self {
        let ids = [id(7), id(8), OperationId::of_opening(id(2))];
        Self { debit, wallet, operations: Rows::of(ids.map(|id: OperationId| (id, None))) }
    }

    fn debit(&mut self, message: DebitWallet, is_demo: bool) -> (Option<WalletDebited>, Option<DebitRefused>) {
        debit_wallet(&incoming(message), &mut self.debit, &mut self.wallet, &mut self.operations, is_demo)
    }

    fn refund(&mut self) {
        let of_debit: Option<CustomerId> = self.debit.as_ref().and_then(|debit| debit.customer_id);
        let mut wallets = Rows::of(of_debit.map(|customer_id| (customer_id, self.wallet.clone())));
        refund_wallet(&refund(), &mut self.debit, &mut wallets, &mut self.operations);
        if let Some((_, wallet)) = wallets.iter().next() {
            self.wallet = Some(wallet.clone());
        }
    }

    /// Returns the status of the debit, the balance in cents, and the operations in the order of their ids: kind,
    /// amount, balance after.
    fn now(&self) -> Now {
        let cents = |money: Money| money.amount_minor;
        let shown = |operation: &Operation| (operation.kind, cents(operation.amount), cents(operation.balance_after));
        let operations = self.operations.iter().map(|(_, operation)| shown(operation)).collect();
        let balance = self.wallet.as_ref().map(|wallet| cents(wallet.balance(EURO)));
        (self.debit.as_ref().map(|debit| debit.status), balance, operations)
    }
}

#[test]
fn money_is_taken_once_if_there_is_enough_and_else_refused_with_a_reason() {
    let operation_id = id(7);
    let done = |cents| (Some(WalletDebited { order_id: id(1), operation_id, amount: euros(cents) }), None);
    let refused = (None, Some(DebitRefused { order_id: id(1), reason: CancelReason::InsufficientFunds }));
    let opening = (Kind::Opening, 100_000, 100_000);
    let cases = [
        (Some(wallet(500)), false, 300, done(300), Status::Booked, Some(200), vec![(Kind::Debit, 300, 200)]),
        (Some(wallet(300)), false, 300, done(300), Status::Booked, Some(0), vec![(Kind::Debit, 300, 0)]),
        (Some(wallet(299)), false, 300, refused.clone(), Status::Refused, Some(299), vec![]),
        (Some(wallet(299)), true, 300, refused.clone(), Status::Refused, Some(299), vec![]),
        (None, false, 300, refused.clone(), Status::Refused, None, vec![]),
        (None, true, 300, done(300), Status::Booked, Some(99_700), vec![(Kind::Debit, 300, 99_700), opening]),
        (None, true, 100_001, refused, Status::Refused, Some(100_000), vec![opening]),
    ];
    for (before, is_demo, cents, outgoing, status, balance, operations) in cases {
        let mut world = World::new(None, before);
        assert_eq!(world.debit(request(cents), is_demo), outgoing);
        assert_eq!(world.now(), (Some(status), balance, operations));
        let once = world.clone();
        assert_eq!((world.debit(request(cents), is_demo), &world), ((None, None), &once), "the second time");
    }
}

#[test]
fn money_in_another_currency_pays_nothing() {
    let mut world = World::new(None, Some(wallet(500)));
    let yen = Money::new(300, "JPY".parse().unwrap());
    assert!(world.debit(DebitWallet { amount: yen, ..request(300) }, false).1.is_some());
    assert_eq!(world.now(), (Some(Status::Refused), Some(500), vec![]));
}

#[test]
fn nothing_is_taken_where_the_order_was_answered_or_refunded_before() {
    for status in [Status::Booked, Status::Refused, Status::Reversed, Status::Cancelled] {
        let mut world = World::new(Some(debit(status)), Some(wallet(500)));
        let before = world.clone();
        assert_eq!((world.debit(request(300), true), world), ((None, None), before), "{status:?}");
    }
}

#[test]
fn money_goes_back_once_and_only_what_was_taken() {
    let cases = [
        (None, Status::Cancelled, 500, vec![]),
        (Some(Status::Booked), Status::Reversed, 800, vec![(Kind::Refund, 300, 800)]),
        (Some(Status::Refused), Status::Refused, 500, vec![]),
        (Some(Status::Reversed), Status::Reversed, 500, vec![]),
        (Some(Status::Cancelled), Status::Cancelled, 500, vec![]),
    ];
    for (before, status, balance, operations) in cases {
        let mut world = World::new(before.map(debit), Some(wallet(500)));
        world.refund();
        assert_eq!(world.now(), (Some(status), Some(balance), operations), "{before:?}");
        let once = world.clone();
        world.refund();
        assert_eq!(world, once, "the second time");
    }
}

#[test]
fn a_refund_that_comes_first_refuses_the_debit() {
    let mut world = World::new(None, Some(wallet(500)));
    world.refund();
    assert_eq!(world.debit(request(300), true), (None, None));
    assert_eq!(world.now(), (Some(Status::Cancelled), Some(500), vec![]));
}

#[test]
fn a_request_that_died_is_refused_unless_it_was_answered_before() {
    let dead = Dead::new(id(1), Reason::Expired, "too late", id(9), at(5));
    let mut row = None;
    assert_eq!(give_up(&dead, &mut row), Some(DebitRefused { order_id: id(1), reason: CancelReason::Failed }));
    assert_eq!(row.as_ref().map(|debit| debit.status), Some(Status::Refused));
    for status in [Status::Booked, Status::Refused, Status::Reversed, Status::Cancelled] {
        let mut row = Some(debit(status));
        assert_eq!((give_up(&dead, &mut row), row), (None, Some(debit(status))));
    }
}

#[test]
#[should_panic(expected = "would put money into the wallet")]
fn a_debit_of_less_than_nothing_is_poison() {
    let mut operations = Rows::of([(id(7), None)]);
    debit_wallet(&incoming(request(-1)), &mut None, &mut Some(wallet(300)), &mut operations, false);
}
