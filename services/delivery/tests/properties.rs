//! The properties of delivery, and how it counts the room of its dealers.

use choreography::testing::{Moment, Properties};
use contracts::CancelPayment;
use delivery::dealers::Dealers;
use delivery::delivery::{Delivery, Status};

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

#[test]
fn delivery_has_every_property_of_a_service() {
    Properties::of(delivery::choreography())
        .keeps("a dealer is busy with assigned deliveries", counts_deliveries)
        .keeps("a delivery that comes to nothing cancels the payment", cancels_payments)
        .check();
}
