//! What must hold at the end: every order has ended, money and pieces are where they belong, nothing was done twice, and
//! every customer knows.

use std::collections::BTreeMap;

use choreography::testing::{Harness, Losses, Published};
use contracts::{Currency, News, OrderId};
use delivery::dealers::Dealers;
use delivery::delivery::{Delivery, Status as DeliveryStatus};
use hashbrown::{HashMap, HashSet};
use inventory::reservation::{Reservation, Status as ReservationStatus};
use inventory::stock::Stock;
use notify::notifications::{MailStatus, Notifications};
use order::order::{Order, Status, UnopenedOrder};
use payment::payment::{Payment, Status as PaymentStatus};
use shop_tests::PUBLISHED_MAX;
use wallet::debit::{Debit, Status as DebitStatus};
use wallet::operation::{Kind, Operation};
use wallet::wallet::Wallet;

use crate::people::{Known, order_id};

/// The rows of all services.
struct Rows {
    orders: BTreeMap<OrderId, Order>,
    payments: HashMap<OrderId, Payment>,
    debits: HashMap<OrderId, Debit>,
    deliveries: HashMap<OrderId, Delivery>,
    reservations: HashMap<OrderId, Reservation>,
    notifications: HashMap<OrderId, Notifications>,
}

impl Rows {
    fn of(harness: &Harness) -> Self {
        Self {
            orders: harness.all::<Order>().into_iter().map(|row| (row.id, row)).collect(),
            payments: harness.all::<Payment>().into_iter().map(|row| (row.order_id, row)).collect(),
            debits: harness.all::<Debit>().into_iter().map(|row| (row.order_id, row)).collect(),
            deliveries: harness.all::<Delivery>().into_iter().map(|row| (row.order_id, row)).collect(),
            reservations: harness.all::<Reservation>().into_iter().map(|row| (row.order_id, row)).collect(),
            notifications: harness.all::<Notifications>().into_iter().map(|row| (row.order_id, row)).collect(),
        }
    }
}

/// Checks everything that must hold. Of orders whose messages are lost for good nothing is known, but pieces, dealers and
/// money are where they belong all the same.
pub(crate) fn check(harness: &Harness, known: &Known, losses: &Losses) -> Result<(), String> {
    let rows = Rows::of(harness);
    let unopened = harness.all::<UnopenedOrder>().len();
    let is_lost = |order: &OrderId| losses.keys.contains(&order.to_string());
    let taken: Vec<_> = known.orders().iter().map(|order| order_id(*order)).collect();
    let missing = taken.iter().filter(|order| !rows.orders.contains_key(order) && !is_lost(order)).count();
    if missing > unopened {
        return Err(format!("{missing} orders were taken and are not known to order; it has cancelled {unopened}"));
    }
    rows.orders.values().filter(|order| !is_lost(&order.id)).try_for_each(|order| check_order(order, &rows))?;
    check_shelf(harness, known, &rows, is_lost)?;
    check_dealers(harness, &rows)?;
    check_wallets(harness)?;
    nothing_twice(&harness.published())
}

fn check_order(order: &Order, rows: &Rows) -> Result<(), String> {
    let id = &order.id;
    let payment = rows.payments.get(id).map(|payment| payment.status);
    let debit = rows.debits.get(id).map(|debit| debit.status);
    let delivery = rows.deliveries.get(id);
    let reservation = rows.reservations.get(id).map(|reservation| reservation.status);
    let right = match order.status {
        Status::Completed => {
            payment == Some(PaymentStatus::Confirmed)
                && debit == Some(DebitStatus::Booked)
                && delivery.is_some_and(|delivery| {
                    matches!(delivery.status, DeliveryStatus::Assigned | DeliveryStatus::Completed)
                })
                && reservation == Some(ReservationStatus::Shipped)
        }
        Status::Cancelled => {
            !matches!(payment, Some(PaymentStatus::Pending | PaymentStatus::Processing | PaymentStatus::Confirmed))
                && debit != Some(DebitStatus::Booked)
                && delivery.is_none_or(|delivery| delivery.status != DeliveryStatus::Assigned)
                && delivery.is_none_or(|delivery| delivery.status != DeliveryStatus::Completed || delivery.lost)
                && !matches!(reservation, None | Some(ReservationStatus::Held | ReservationStatus::Shipped))
                && order.reason.is_some()
        }
        Status::Pending | Status::Confirmed => false,
    };
    if !right {
        let delivery = delivery.map(|delivery| delivery.status);
        let others = format!("payment {payment:?}, debit {debit:?}, delivery {delivery:?}, pieces {reservation:?}");
        return Err(format!("order {id} is {:?} ({:?}) with {others}", order.status, order.reason));
    }
    check_told(order, rows.notifications.get(id))
}

/// Checks that the customer was told how the order ended.
fn check_told(order: &Order, notifications: Option<&Notifications>) -> Result<(), String> {
    let news = if order.status == Status::Completed { News::Completed } else { News::Cancelled };
    let mails = notifications.map_or(&[][..], |notifications| &notifications.mails);
    let told = mails.iter().filter(|mail| mail.status == news).collect::<Vec<_>>();
    let expected = if order.email.is_some() { MailStatus::Sent } else { MailStatus::Skipped };
    let right = told.len() == 1
        && told[0].mail == expected
        && mails.iter().all(|mail| mail.mail != MailStatus::Queued)
        && (order.email.is_none() || order.notified == Some(news));
    match right {
        true => Ok(()),
        false => Err(format!(
            "order {} is {:?}, notified of {:?}, and its mails are {mails:?}",
            order.id, order.status, order.notified
        )),
    }
}

/// Checks that every piece that was put on a shelf is there or shipped, and that none is held for an order that has ended.
fn check_shelf(
    harness: &Harness,
    known: &Known,
    rows: &Rows,
    is_lost: impl Fn(&OrderId) -> bool,
) -> Result<(), String> {
    let mut shelf: BTreeMap<&str, u64> = BTreeMap::new();
    known.pieces().iter().for_each(|(product, pieces)| *shelf.entry(product).or_default() += pieces);
    let pieces = |of: &dyn Fn(&Reservation) -> bool| {
        let mut pieces: HashMap<&str, u64> = HashMap::new();
        for line in rows.reservations.values().filter(|reservation| of(reservation)).flat_map(|with| &with.lines) {
            *pieces.entry(line.sku.as_str()).or_default() += u64::from(line.quantity);
        }
        pieces
    };
    let gone = pieces(&|of| matches!(of.status, ReservationStatus::Shipped | ReservationStatus::Lost));
    let kept = pieces(&|of| of.status == ReservationStatus::Held && is_lost(&of.order_id));
    for Stock { sku, on_shelf, held, .. } in harness.all::<Stock>() {
        let of = |pieces: &HashMap<&str, u64>| pieces.get(sku.as_str()).copied().unwrap_or_default();
        let (put, gone, kept) = (shelf.get(sku.as_str()).copied().unwrap_or_default(), of(&gone), of(&kept));
        if held != kept || on_shelf + gone != put {
            return Err(format!("of {put} pieces of {sku}, {gone} are gone, {on_shelf} on the shelf and {held} held"));
        }
    }
    Ok(())
}

fn check_dealers(harness: &Harness, rows: &Rows) -> Result<(), String> {
    let mut active: HashMap<(&str, &str), u32> = HashMap::new();
    for delivery in rows.deliveries.values().filter(|delivery| delivery.status == DeliveryStatus::Assigned) {
        if let (Some(address), Some(dealer)) = (&delivery.address, &delivery.dealer) {
            *active.entry((address.zone.as_str(), dealer)).or_default() += 1;
        }
    }
    for Dealers { zone, dealers } in harness.all::<Dealers>() {
        for dealer in dealers {
            let assigned = active.get(&(zone.as_str(), dealer.name.as_str())).copied().unwrap_or_default();
            if dealer.active != assigned || dealer.active > dealer.capacity {
                return Err(format!("{assigned} deliveries are assigned to {dealer:?} of {zone}"));
            }
        }
    }
    Ok(())
}

/// Checks that each balance is the sum of the wallet's operations, and that none is below zero.
fn check_wallets(harness: &Harness) -> Result<(), String> {
    let mut sums = HashMap::new();
    let mut of_orders: HashSet<(bool, OrderId)> = HashSet::new();
    for Operation { customer_id, kind, amount, order_id, .. } in harness.all::<Operation>() {
        let sign = if kind == Kind::Debit { -1 } else { 1 };
        *sums.entry(customer_id).or_insert(0) += sign * amount.amount_minor;
        if let Some(order_id) = order_id
            && !of_orders.insert((kind == Kind::Debit, order_id))
        {
            return Err(format!("order {order_id} has a second {kind:?}"));
        }
    }
    for wallet in harness.all::<Wallet>() {
        let (balance, sum) = (wallet.balance(Currency::EUR).amount_minor, sums.get(&wallet.customer_id).copied());
        if Some(balance) != sum || balance < 0 {
            return Err(format!(
                "the wallet of {} has {balance} cents, and its operations {sum:?}",
                wallet.customer_id
            ));
        }
    }
    Ok(())
}

/// Checks that no message about an order was made twice: that would have published it with another id.
fn nothing_twice(published: &[Published]) -> Result<(), String> {
    let mut ids: HashMap<&str, Vec<&str>> = HashMap::with_capacity(published.len());
    for Published { envelope, .. } in published {
        let (id, ids) = (envelope.header("ce-id").unwrap_or_default(), ids.entry(&envelope.subject).or_default());
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let max = |message: &Published| {
        let name = (message.publisher(), message.message());
        PUBLISHED_MAX.iter().find(|(publisher, message, _)| (*publisher, *message) == name).map(|(.., max)| *max)
    };
    let twice = published.iter().find_map(|message| {
        let (subject, times) = (&message.envelope.subject, ids[&*message.envelope.subject].len());
        let is_twice = times > 1 && max(message).is_some_and(|max| times > max);
        is_twice.then(|| format!("{subject} was published with {times} ids"))
    });
    twice.map_or(Ok(()), Err)
}
