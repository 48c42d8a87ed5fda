//! The messages and the rows of the shop: what is read is written as it was.

use std::collections::BTreeMap;

use choreography::{Message, Row};
use contracts::{
    CancelDelivery, CancelOrder, CancelPayment, CreateDelivery, CreateOrder, CreatePayment, CustomerNotified,
    DebitRefused, DebitWallet, DeliveryAssigned, ExpirePayment, OrderConfirmed, OrderUpdated, PaymentCreated,
    RefundWallet, ReserveStock, RetryDebit, WalletDebited,
};
use customer::customer::Customer;
use delivery::dealers::Dealers;
use delivery::delivery::Delivery;
use gateway::orders::AcceptedOrder;
use inventory::reservation::Reservation;
use inventory::stock::Stock;
use notify::notifications::Notifications;
use order::order::{Order, UnopenedOrder};
use payment::payment::Payment;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, from_slice, to_vec};
use wallet::debit::Debit;
use wallet::operation::Operation;
use wallet::wallet::Wallet;

use crate::bytes::Bytes;
use crate::examples::{Release, releases};
use crate::json::json;
use crate::target::{Case, Started};

type Check = fn(&[u8]);
type Checks = BTreeMap<&'static str, Check>;

/// Checks that what is read of a type is written so that it is read as the same.
fn round_trip<T: Serialize + DeserializeOwned>(json: &[u8]) {
    let Ok(read) = from_slice::<T>(json) else { return };
    let written = to_vec(&read).expect("what was read can be written");
    let again: T = from_slice(&written).unwrap_or_else(|error| panic!("{error}: {:?}", Bytes(written.clone())));
    assert_eq!(Bytes(to_vec(&again).expect("it was written before")), Bytes(written));
}

fn message<M: Message>() -> (&'static str, Check) {
    let check: Check = |payload| {
        let read = M::versions().into_iter().filter_map(|version| M::read(version, payload).ok());
        read.for_each(|message| assert!(!message.key().to_string().is_empty()));
        round_trip::<M>(payload);
    };
    (M::NAME, check)
}

fn row<S: Row>() -> (&'static str, Check) {
    (S::TABLE, round_trip::<S>)
}

fn message_checks() -> Checks {
    BTreeMap::from([
        message::<CreateOrder>(),
        message::<ReserveStock>(),
        message::<CreatePayment>(),
        message::<PaymentCreated>(),
        message::<ExpirePayment>(),
        message::<DebitWallet>(),
        message::<RetryDebit>(),
        message::<WalletDebited>(),
        message::<DebitRefused>(),
        message::<OrderConfirmed>(),
        message::<CreateDelivery>(),
        message::<DeliveryAssigned>(),
        message::<OrderUpdated>(),
        message::<CustomerNotified>(),
        message::<CancelPayment>(),
        message::<RefundWallet>(),
        message::<CancelOrder>(),
        message::<CancelDelivery>(),
    ])
}

fn row_checks() -> Checks {
    BTreeMap::from([
        row::<AcceptedOrder>(),
        row::<UnopenedOrder>(),
        row::<Order>(),
        row::<Payment>(),
        row::<Wallet>(),
        row::<Operation>(),
        row::<Debit>(),
        row::<Stock>(),
        row::<Reservation>(),
        row::<Delivery>(),
        row::<Dealers>(),
        row::<Notifications>(),
        row::<Customer>(),
    ])
}

/// Messages that are read are written as they were.
pub(super) fn messages() -> Box<dyn Started> {
    start(|release| release.messages, message_checks)
}

/// Rows that are read are written as they were.
pub(super) fn rows() -> Box<dyn Started> {
    start(|release| release.rows, row_checks)
}

/// Starts a target of what every release wrote. A message's kind ends in its version.
fn start(part: fn(Release) -> BTreeMap<String, Vec<Value>>, checks: fn() -> Checks) -> Box<dyn Started> {
    let kinds = releases().into_iter().flat_map(part);
    let examples: Vec<(&'static str, Check, Value)> = kinds
        .flat_map(|(kind, values)| {
            let name = kind.split('.').next().unwrap_or_default();
            let checks = checks();
            let (name, check) = checks.get_key_value(name).unwrap_or_else(|| panic!("{name} has no check"));
            let (name, check) = (*name, *check);
            values.into_iter().map(move |value| (name, check, value))
        })
        .collect();
    Case::of(
        move |draw| {
            let (name, check, example) = draw.one(&examples);
            (*name, *check, json(example, draw))
        },
        || Box::new(|(_, check, json): &(&str, Check, Bytes)| check(json)),
    )
}
