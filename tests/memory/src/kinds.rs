//! Every message and every row of the shop, by the types that read them.

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
use wallet::debit::Debit;
use wallet::operation::Operation;
use wallet::wallet::Wallet;

/// What a test has for each type of message and of row, such as a function that reads it.
pub trait Kinds {
    /// What it has for a message.
    type Message;
    /// What it has for a row.
    type Row;

    /// Returns it for a type of message.
    fn message<M: Message>() -> Self::Message;

    /// Returns it for a type of row.
    fn row<S: Row>() -> Self::Row;
}

/// Returns what a test has for each message, by the message's name.
pub fn messages<K: Kinds>() -> BTreeMap<&'static str, K::Message> {
    BTreeMap::from([
        message::<K, CreateOrder>(),
        message::<K, ReserveStock>(),
        message::<K, CreatePayment>(),
        message::<K, PaymentCreated>(),
        message::<K, ExpirePayment>(),
        message::<K, DebitWallet>(),
        message::<K, RetryDebit>(),
        message::<K, WalletDebited>(),
        message::<K, DebitRefused>(),
        message::<K, OrderConfirmed>(),
        message::<K, CreateDelivery>(),
        message::<K, DeliveryAssigned>(),
        message::<K, OrderUpdated>(),
        message::<K, CustomerNotified>(),
        message::<K, CancelPayment>(),
        message::<K, RefundWallet>(),
        message::<K, CancelOrder>(),
        message::<K, CancelDelivery>(),
    ])
}

/// Returns what a test has for each row, by the row's table.
pub fn rows<K: Kinds>() -> BTreeMap<&'static str, K::Row> {
    BTreeMap::from([
        row::<K, AcceptedOrder>(),
        row::<K, UnopenedOrder>(),
        row::<K, Order>(),
        row::<K, Payment>(),
        row::<K, Wallet>(),
        row::<K, Operation>(),
        row::<K, Debit>(),
        row::<K, Stock>(),
        row::<K, Reservation>(),
        row::<K, Delivery>(),
        row::<K, Dealers>(),
        row::<K, Notifications>(),
        row::<K, Customer>(),
    ])
}

fn message<K: Kinds, M: Message>() -> (&'static str, K::Message) {
    (M::NAME, K::message::<M>())
}

fn row<K: Kinds, S: Row>() -> (&'static str, K::Row) {
    (S::TABLE, K::row::<S>())
}
