//! The properties of delivery, and how it counts the room of its dealers.

use choreography::testing::{Moment, Properties};
use contracts::{CancelDelivery, CancelPayment, CreateDelivery};
use delivery::dealers::Dealers;
use delivery::delivery::{Delivery, Status};
use delivery::reactions::CompleteDelivery;

/// A dealer is busy with the deliveries that are assigned, and with no others.
fn counts_deliveries(story: &Moment<'_>) {
    let deliveries = story.rows::<Delivery>();
    for Dealers { zone, dealers } in story.rows() {
        for dealer in dealers {
            let is_there = |delivery: &&Delivery| {
                let address = delivery.address.as_ref();
                address.is_some_and(|address| address.zone == zone) && delivery.dealer.as_ref() == Some(&dealer.name)
            };
            let assigned = deliveries.iter().filter(|delivery| delivery.status == Status::Assigned).filter(is_there);
            assert_eq!(usize::try_from(dealer.active), Ok(assigned.count()), "{zone}, {}", dealer.name);
            assert!(dealer.active <= dealer.capacity);
        }
    }
}

/// A delivery that was refused or cancelled has cancelled the payment, at most once for each of the two.
fn cancels_payments(story: &Moment<'_>) {
    let cancelled = story.published::<CancelPayment>();
    for delivery in story.rows::<Delivery>() {
        let times = cancelled.iter().filter(|message| message.order_id == delivery.order_id).count();
        let expected = match delivery.status {
            Status::Assigned => 0..=0,
            Status::Completed => usize::from(delivery.lost)..=usize::from(delivery.lost),
            Status::Refused => 1..=1,
            Status::Cancelled => 1..=2,
        };
        assert!(expected.contains(&times), "{times} times, {:?}", delivery.status);
    }
}

/// A delivery that is cancelled leaves every dealer as if it had never been.
fn frees_the_dealer(story: &Moment<'_>) {
    let delivery = story.own_row::<Delivery>().expect("a cancellation leaves a row");
    if story.own_row_before::<Delivery>().is_none() {
        assert_eq!((delivery.status, story.rows::<Dealers>()), (Status::Cancelled, story.rows_before::<Dealers>()));
    }
}

/// A delivery that is both completed and cancelled is cancelled, or it is complete and a loss: the goods are gone then.
fn is_cancelled_or_lost(story: &Moment<'_>) {
    let delivery = story.own_row::<Delivery>().expect("a cancellation leaves a row");
    let cancelled = story.published::<CancelPayment>().into_iter().rev();
    let last =
        cancelled.filter(|message| message.order_id == delivery.order_id).map(|message| message.goods_gone).next();
    match delivery.status {
        Status::Cancelled => assert_eq!(last, Some(false)),
        status => assert_eq!((status, delivery.lost, last), (Status::Completed, true, Some(true))),
    }
}

#[test]
fn delivery_has_every_property_of_a_service() {
    let properties = Properties::of(delivery::choreography())
        .keeps("a dealer is busy with assigned deliveries", counts_deliveries)
        .keeps("a delivery that comes to nothing cancels the payment", cancels_payments)
        .race::<CreateDelivery, CancelDelivery>(frees_the_dealer)
        .race::<CompleteDelivery, CancelDelivery>(is_cancelled_or_lost)
        .reaches("a delivery that is lost", |story| story.rows::<Delivery>().iter().any(|delivery| delivery.lost));
    let reaches = |properties: Properties, status: Status| {
        properties.reaches(format!("a delivery that is {status:?}"), move |story| {
            story.rows::<Delivery>().iter().any(|delivery| delivery.status == status)
        })
    };
    let all = [Status::Assigned, Status::Completed, Status::Cancelled, Status::Refused];
    all.into_iter().fold(properties, reaches).check();
}
