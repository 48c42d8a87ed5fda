//! A scheduled message: an offer expires by itself, unless it is accepted before. The schedule is in the service's
//! database, so a restart loses nothing.

use std::time::Duration;

use choreography::testing::Harness;
use choreography::{Choreography, Command, Message, Rejected, Row, Scheduled, nothing};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "make-offer", key = offer, row = Offer)]
struct MakeOffer {
    offer: u32,
}

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "accept-offer", key = offer, row = Offer)]
struct AcceptOffer {
    offer: u32,
}

/// From the service to itself, an hour after the offer was made.
#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "expire-offer", key = offer, role = event)]
struct ExpireOffer {
    offer: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "offer", key = u32)]
enum Offer {
    Open,
    Accepted,
    Expired,
}

fn make_offer(command: &MakeOffer, offer: &mut Option<Offer>) -> Option<Scheduled<ExpireOffer>> {
    if offer.is_some() {
        return None;
    }
    *offer = Some(Offer::Open);
    Some(ExpireOffer { offer: command.offer }.after(Duration::from_secs(3_600)))
}

fn accept_offer(command: &AcceptOffer, offer: &mut Offer) -> Result<Scheduled<ExpireOffer>, Rejected> {
    if *offer == Offer::Expired {
        return Err(Rejected::new("offer-expired", "The offer has expired: ask for a new one."));
    }
    *offer = Offer::Accepted;
    Ok(ExpireOffer { offer: command.offer }.cancel())
}

fn expire_offer(_: &ExpireOffer, offer: &mut Offer) {
    if *offer == Offer::Open {
        *offer = Offer::Expired;
    }
}

fn main() {
    let offers = Choreography::new("offers")
        .command(make_offer)
        .command(accept_offer)
        .on(expire_offer)
        .fallback(nothing::<ExpireOffer>);
    let harness = Harness::of([offers]);
    for offer in [1, 2] {
        harness.execute(MakeOffer { offer }).expect("an offer can be made");
    }
    harness.advance(Duration::from_secs(1_800));
    harness.execute(AcceptOffer { offer: 1 }).expect("half an hour is in time");
    harness.advance(Duration::from_secs(3_600));
    println!("offer 1: {:?}", harness.get::<Offer>(&1));
    println!("offer 2: {:?}", harness.get::<Offer>(&2));
    println!("published: {}", harness.published().len());
    println!("too late: {}", harness.execute(AcceptOffer { offer: 2 }).expect_err("it has expired"));
}

// Output:
// offer 1: Some(Accepted)
// offer 2: Some(Expired)
// published: 1
// too late: The offer has expired: ask for a new one.
