//! A post office whose services count: what is done twice, or not at all, shows in a row.
//!
//! The office accepts a parcel, the till charges it, and the depot sends it once it is charged; the van delivers it. A
//! parcel may be cancelled, also before it is posted.

use std::time::Duration;

use choreography::{Choreography, Command, Dead, EffectError, Incoming, Message, Row, Scheduled, nothing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long after a parcel was posted its sender is reminded of it.
const REMINDED_AFTER: Duration = Duration::from_secs(20);

macro_rules! declare {
    ($($(#[$declared:meta])+ $name:ident;)*) => {
        $(#[derive(Debug, Clone, Serialize, Deserialize)]
        $(#[$declared])+
        pub(crate) struct $name {
            pub(crate) parcel: u32,
        })*
    };
}

declare! {
    #[derive(Command)] #[command(name = "post-parcel", key = parcel, row = Parcel)] PostParcel;
    #[derive(Command)] #[command(name = "cancel-parcel", key = parcel, row = Parcel)] CancelParcel;
    #[derive(Message)] #[message(name = "charge-parcel", key = parcel, role = step)] ChargeParcel;
    #[derive(Message)] #[message(name = "deliver-parcel", key = parcel, role = step)] DeliverParcel;
    #[derive(Message)] #[message(name = "load-van", key = parcel, role = step)] LoadVan;
    #[derive(Message)] #[message(name = "cancel-charge", key = parcel, role = compensation)] CancelCharge;
    #[derive(Message)] #[message(name = "remind-sender", key = parcel, role = event)] RemindSender;
    #[derive(Message)] #[message(name = "parcel-charged", key = parcel, role = event)] ParcelCharged;
    #[derive(Message)] #[message(name = "charge-refused", key = parcel, role = event)] ChargeRefused;
    #[derive(Message)] #[message(name = "parcel-delivered", key = parcel, role = event)] ParcelDelivered;
    #[derive(Message)] #[message(name = "parcel-returned", key = parcel, role = event)] ParcelReturned;
}

/// How often the office was told what of a parcel.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "parcel", key = u32)]
pub(crate) struct Parcel {
    pub(crate) posted: u32,
    pub(crate) cancelled: u32,
    pub(crate) charged: u32,
    pub(crate) refused: u32,
    pub(crate) delivered: u32,
    pub(crate) returned: u32,
    pub(crate) reminded: u32,
}

/// How often the till was told what of a parcel, and whether it has been paid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "charge", key = u32)]
pub(crate) struct Charge {
    pub(crate) charged: u32,
    pub(crate) cancelled: u32,
    pub(crate) paid: bool,
}

/// A charged parcel in the depot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "shelf", key = u32)]
pub(crate) struct Shelf {
    pub(crate) charged: u32,
    pub(crate) sent: u32,
    /// When it was put there: the time of the batch.
    since: Timestamp,
    /// How often its delivery was given up as if it were not there.
    pub(crate) overlooked: u32,
}

fn post(command: &PostParcel, row: &mut Option<Parcel>) -> (ChargeParcel, DeliverParcel, Scheduled<RemindSender>) {
    row.get_or_insert_default().posted += 1;
    let parcel = command.parcel;
    (ChargeParcel { parcel }, DeliverParcel { parcel }, RemindSender { parcel }.after(REMINDED_AFTER))
}

fn cancel(command: &CancelParcel, row: &mut Option<Parcel>) -> CancelCharge {
    row.get_or_insert_default().cancelled += 1;
    CancelCharge { parcel: command.parcel }
}

/// Counts one message in the row that it concerns.
macro_rules! count {
    ($($function:ident $message:ident $row:ident $field:ident;)*) => {
        $(fn $function(_: &$message, row: &mut Option<$row>) {
            row.get_or_insert_default().$field += 1;
        })*
    };
}

count! {
    note_charge ParcelCharged Parcel charged;
    note_refusal ChargeRefused Parcel refused;
    note_delivery ParcelDelivered Parcel delivered;
    note_return ParcelReturned Parcel returned;
    note_reminder RemindSender Parcel reminded;
}

fn charge(message: &ChargeParcel, row: &mut Option<Charge>) -> Option<ParcelCharged> {
    let charge = row.get_or_insert_default();
    charge.charged += 1;
    charge.paid = charge.cancelled == 0;
    charge.paid.then_some(ParcelCharged { parcel: message.parcel })
}

fn refuse(dead: &Dead<ChargeParcel>) -> ChargeRefused {
    ChargeRefused { parcel: *dead.key() }
}

fn cancel_charge(_: &CancelCharge, row: &mut Option<Charge>) {
    let charge = row.get_or_insert_default();
    (charge.cancelled, charge.paid) = (charge.cancelled + 1, false);
}

fn make_room(message: &Incoming<ParcelCharged>, row: &mut Option<Shelf>) {
    let shelf = row.get_or_insert_with(|| Shelf { since: message.now(), ..Shelf::default() });
    shelf.charged += 1;
}

/// Waits until the parcel is charged.
fn send(message: &DeliverParcel, row: &mut Shelf) -> LoadVan {
    row.sent += 1;
    LoadVan { parcel: message.parcel }
}

fn keep(dead: &Dead<DeliverParcel>, row: &mut Option<Shelf>) -> ParcelReturned {
    let has_waited = dead.detail().starts_with("expired: it waited");
    if let Some(shelf) = row.as_mut().filter(|shelf| has_waited && shelf.since != dead.now()) {
        shelf.overlooked += 1;
    }
    ParcelReturned { parcel: *dead.key() }
}

async fn deliver(message: &Incoming<LoadVan>, _: &()) -> Result<ParcelDelivered, EffectError> {
    tokio::time::sleep(Duration::from_millis(u64::from(message.parcel % 5) * 500)).await;
    Ok(ParcelDelivered { parcel: message.parcel })
}

fn turn_back(dead: &Dead<LoadVan>) -> ParcelReturned {
    ParcelReturned { parcel: *dead.key() }
}

/// Returns the four services.
pub(crate) fn services() -> Vec<Choreography> {
    let office = Choreography::new("office").command(post).command(cancel);
    let office = office.on(note_charge).fallback(nothing::<ParcelCharged>);
    let office = office.on(note_refusal).fallback(nothing::<ChargeRefused>);
    let office = office.on(note_delivery).fallback(nothing::<ParcelDelivered>);
    let office = office.on(note_return).fallback(nothing::<ParcelReturned>);
    let office = office.on(note_reminder).fallback(nothing::<RemindSender>);
    let till = Choreography::new("till").on(charge).fallback(refuse).compensate(cancel_charge);
    let depot = Choreography::new("depot").on(make_room).fallback(nothing::<ParcelCharged>).on(send).fallback(keep);
    let van = Choreography::new("van").effect(deliver, ()).fallback(turn_back);
    vec![office, till, depot, van]
}
