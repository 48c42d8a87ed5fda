//! How the deeds are done: by the commands of the services, which the HTTP routes execute, too.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use choreography::testing::Services;
use choreography::{Command, ExecuteError};
use contracts::{Address, CreateOrder, Currency, CustomerId, Line, Money, OperationId, OrderId};
use delivery::dealers::AddDealer;
use delivery::reactions::CompleteDelivery;
use gateway::orders::AcceptOrder;
use inventory::catalogue::{AdjustStock, PutProduct};
use order::customer::{MoveOrder, OpenOrder, WithdrawOrder};
use payment::customer::{ConfirmPayment, DeclinePayment};
use uuid::Uuid;
use wallet::deposit::Deposit;

use crate::deed::{Deed, NewOrder};

/// How long somebody waits before looking again for what is not there yet: at first, and at most. It is doubled each time.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
const LOOK_AGAIN_AFTER_MAX: Duration = Duration::from_secs(32);

/// What the people know that happened.
#[derive(Default)]
pub(crate) struct Known {
    /// The pieces that were put on shelves.
    pieces: Mutex<Vec<(&'static str, u64)>>,
    /// The orders that were taken.
    orders: Mutex<BTreeSet<u32>>,
}

impl Known {
    pub(crate) fn pieces(&self) -> MutexGuard<'_, Vec<(&'static str, u64)>> {
        self.pieces.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn orders(&self) -> MutexGuard<'_, BTreeSet<u32>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a deed.
    pub(crate) async fn act(&self, deed: Deed, services: Services) {
        match deed {
            Deed::Offer { product, cents, pieces } => self.offer(&services, product, cents, pieces).await,
            Deed::Refill { number, product, pieces } => {
                let adjust = AdjustStock { sku: product.parse().unwrap(), delta: pieces.into() };
                if services.insist(adjust, Some(&format!("refill {number}"))).await.is_ok() {
                    self.pieces().push((product, pieces.into()));
                }
            }
            Deed::Hire { zone, name, capacity } => {
                let add = AddDealer { zone: zone.parse().unwrap(), name: name.to_owned(), capacity };
                let _ = services.insist(add, None).await;
            }
            Deed::Deposit { number, customer, cents } => {
                let (operation_id, amount) = (id::<OperationId>(4, number), Money::new(cents, Currency::EUR));
                let _ =
                    services.insist(Deposit { operation_id, customer_id: customer_id(customer), amount }, None).await;
            }
            Deed::Order(new) => self.order(&services, new).await,
            Deed::Confirm { order } => look_for(&services, ConfirmPayment { order_id: order_id(order) }).await,
            Deed::Decline { order } => look_for(&services, DeclinePayment { order_id: order_id(order) }).await,
            Deed::Withdraw { order } => look_for(&services, WithdrawOrder { order_id: order_id(order) }).await,
            Deed::Move { order, zone } => {
                let (zone, line) = (Some(zone.parse().unwrap()), None);
                look_for(&services, MoveOrder { order_id: order_id(order), zone, line }).await;
            }
            Deed::Deliver { order } => look_for(&services, CompleteDelivery { order_id: order_id(order) }).await,
        }
    }

    async fn offer(&self, services: &Services, product: &'static str, cents: i64, pieces: u64) {
        let put = PutProduct {
            sku: product.parse().unwrap(),
            name: product.to_owned(),
            description: None,
            price: Money::new(cents, Currency::EUR),
            stock: pieces,
        };
        if services.insist(put, None).await.is_ok() {
            self.pieces().push((product, pieces));
        }
    }

    async fn order(&self, services: &Services, new: NewOrder) {
        let NewOrder { order, customer, lines, zone, confirmation, has_email, at_gateway } = new;
        let line = |(product, quantity): (&str, u32)| Line { sku: product.parse().unwrap(), quantity };
        let create = CreateOrder {
            order_id: order_id(order),
            customer_id: customer_id(customer),
            email: has_email.then(|| format!("{customer}@example.com")),
            lines: lines.into_iter().map(line).collect(),
            address: Address { zone: zone.parse().unwrap(), line: "1 Hill Road".to_owned() },
            confirmation,
        };
        let key = format!("order {order}");
        let taken = match at_gateway {
            true => services.insist(AcceptOrder { create }, Some(&key)).await.map(drop),
            false => services.insist(OpenOrder { create }, Some(&key)).await.map(drop),
        };
        if taken.is_ok() {
            self.orders().insert(order);
        }
    }
}

/// Executes a command about something that may not be there yet. Whoever does not find it for minutes leaves it.
async fn look_for<C: Command>(services: &Services, command: C) {
    let mut pause = LOOK_AGAIN_AFTER;
    while pause <= LOOK_AGAIN_AFTER_MAX {
        match services.insist(command.clone(), None).await {
            Err(ExecuteError::Missing { .. }) => tokio::time::sleep(pause).await,
            _ => return,
        }
        pause *= 2;
    }
}

pub(crate) fn order_id(order: u32) -> OrderId {
    id(1, order)
}

pub(crate) fn customer_id(customer: u32) -> CustomerId {
    id(2, customer)
}

/// Returns the id of what has a number in the story.
fn id<T: From<Uuid>>(of: u8, number: u32) -> T {
    let [a, b, c, d] = number.to_be_bytes();
    uuid::Builder::from_unix_timestamp_millis(1_700_000_000_000, &[of, 0, 0, 0, 0, 0, a, b, c, d]).into_uuid().into()
}
