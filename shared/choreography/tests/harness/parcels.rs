//! A post office in a simulated world, whose services count: what is done twice, or not at all, shows in a row.
//!
//! The office accepts a parcel, the till charges it, and the depot sends it once it is charged; the van delivers it. A
//! parcel may be cancelled, also before it is posted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreography::testing::{Harness, Published, Random, Services, World};
use choreography::{Choreography, Command, Dead, EffectError, Incoming, Message, Row, Scheduled, Settings, nothing};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long a step may take: less than the longest troubles.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long after a parcel was posted its sender is reminded of it.
const REMINDED_AFTER: Duration = Duration::from_secs(20);

macro_rules! declare {
    ($($(#[$declared:meta])+ $name:ident;)*) => {
        $(#[derive(Debug, Clone, Serialize, Deserialize)]
        $(#[$declared])+
        pub(crate) struct $name {
            parcel: u32,
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
    posted: u32,
    cancelled: u32,
    charged: u32,
    refused: u32,
    delivered: u32,
    returned: u32,
    reminded: u32,
}

/// How often the till was told what of a parcel, and whether it has been paid.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "charge", key = u32)]
pub(crate) struct Charge {
    charged: u32,
    cancelled: u32,
    paid: bool,
}

/// A charged parcel in the depot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "shelf", key = u32)]
pub(crate) struct Shelf {
    charged: u32,
    sent: u32,
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
    make_room ParcelCharged Shelf charged;
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

/// Waits until the parcel is charged.
fn send(message: &DeliverParcel, row: &mut Shelf) -> LoadVan {
    row.sent += 1;
    LoadVan { parcel: message.parcel }
}

fn keep(dead: &Dead<DeliverParcel>) -> ParcelReturned {
    ParcelReturned { parcel: *dead.key() }
}

async fn deliver(message: &Incoming<LoadVan>, _: &()) -> Result<ParcelDelivered, EffectError> {
    tokio::time::sleep(Duration::from_millis(u64::from(message.parcel % 5) * 100)).await;
    Ok(ParcelDelivered { parcel: message.parcel })
}

fn turn_back(dead: &Dead<LoadVan>) -> ParcelReturned {
    ParcelReturned { parcel: *dead.key() }
}

/// What a customer does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Post(u32),
    Cancel(u32),
}

/// The post office and its customers.
#[derive(Default)]
pub(crate) struct PostOffice {
    posted: Mutex<BTreeSet<u32>>,
    cancelled: Mutex<BTreeSet<u32>>,
}

impl World for PostOffice {
    type Action = Deed;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Deed)> {
        let mut deeds = Vec::new();
        for parcel in 0..u32::try_from(size).unwrap() {
            deeds.push((random.within(Duration::from_secs(60)), Deed::Post(parcel)));
            if random.chance(25) {
                deeds.push((random.within(Duration::from_secs(60)), Deed::Cancel(parcel)));
            }
        }
        deeds
    }

    fn services(&self) -> Vec<Choreography> {
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

    /// Idempotence is not checked: the services count.
    fn settings(&self) -> Settings {
        Settings { message_deadline: DEADLINE, check_idempotence: false, ..Settings::default() }
    }

    async fn act(self: Arc<Self>, deed: Deed, services: Services) {
        let (parcel, done) = match deed {
            Deed::Post(parcel) => {
                let key = format!("post {parcel}");
                let first = services.insist(PostParcel { parcel }, Some(&key)).await.is_ok();
                // An impatient customer sends it twice.
                let second = services.insist(PostParcel { parcel }, Some(&key)).await.is_ok();
                (parcel, (first || second).then_some(&self.posted))
            }
            Deed::Cancel(parcel) => {
                let key = format!("cancel {parcel}");
                (parcel, services.insist(CancelParcel { parcel }, Some(&key)).await.is_ok().then_some(&self.cancelled))
            }
        };
        done.into_iter().for_each(|done| done.lock().unwrap().extend([parcel]));
    }

    fn check(&self, harness: &Harness, lost: u64) -> Result<(), String> {
        let (posted, cancelled) = (self.posted.lock().unwrap(), self.cancelled.lock().unwrap());
        let dead: BTreeSet<_> = harness.dead_letters().iter().map(|dead| dead.envelope.subject.to_string()).collect();
        posted.iter().try_for_each(|parcel| check_parcel(harness, *parcel, cancelled.contains(parcel), &dead))?;
        let open = harness.service("office").breaker().circuits;
        match (open.is_empty(), lost) {
            (true, 0) => check_deadlines(&harness.published()),
            (true, lost) => {
                Err(format!("{lost} messages were reported as lost, and every publisher keeps its messages"))
            }
            (false, _) => Err(format!("circuits are not closed: {open:?}")),
        }
    }
}

/// Checks that everything about a parcel was done once, or is among the dead letters.
fn check_parcel(harness: &Harness, key: u32, is_cancelled: bool, dead: &BTreeSet<String>) -> Result<(), String> {
    let parcel = harness.get::<Parcel>(&key).unwrap_or_default();
    let charge = harness.get::<Charge>(&key).unwrap_or_default();
    let shelf = harness.get::<Shelf>(&key).unwrap_or_default();
    let died = |message: &str| u32::from(dead.iter().any(|subject| subject.ends_with(&format!("{message}.{key}"))));
    let cancelled = u32::from(is_cancelled);
    let refused = died("till.charge-parcel");
    let was_charged = parcel.charged == 1;
    let right = (parcel.posted, parcel.cancelled, parcel.reminded) == (1, cancelled, 1)
        && (charge.charged, charge.cancelled) == (1 - refused, cancelled)
        && (parcel.refused, parcel.charged <= 1 - refused) == (refused, true)
        && (was_charged || refused == 1 || is_cancelled)
        && charge.paid == (refused == 0 && !is_cancelled)
        && shelf.charged == parcel.charged
        && parcel.delivered + parcel.returned == 1
        && parcel.returned == died("depot.deliver-parcel") + died("van.load-van")
        && shelf.sent == parcel.delivered + died("van.load-van");
    if right { Ok(()) } else { Err(format!("parcel {key} has {parcel:?}, {charge:?} and {shelf:?}")) }
}

/// Checks that no parcel was charged after the deadline of that step.
fn check_deadlines(published: &[Published]) -> Result<(), String> {
    let time = |message: &Published, header| message.envelope.header(header)?.parse::<Timestamp>().ok();
    for charged in published.iter().filter(|message| message.message() == "parcel-charged") {
        let step = published.iter().find(|step| step.message() == "charge-parcel" && step.key() == charged.key());
        if step.and_then(|step| time(step, "ce-expirytime")) < time(charged, "ce-time") {
            return Err(format!("parcel {} was charged after the deadline", charged.key()));
        }
    }
    Ok(())
}
