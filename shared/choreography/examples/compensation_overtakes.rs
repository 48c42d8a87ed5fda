//! A compensation may arrive before the step that it compensates, because they come from different publishers or one of them
//! had to wait. It leaves a tombstone, a row in its final state, and the step that comes later does nothing.

use choreography::testing::Harness;
use choreography::{Choreography, Message, Row, nothing};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "reserve-table", key = guest, role = step)]
struct ReserveTable {
    guest: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "release-table", key = guest, role = compensation)]
struct ReleaseTable {
    guest: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "reservation", key = u32)]
enum Reservation {
    Held,
    Released,
}

fn reserve_table(_: &ReserveTable, reservation: &mut Option<Reservation>) {
    // Also when the row is a tombstone: what was released is not held again.
    reservation.get_or_insert(Reservation::Held);
}

fn release_table(_: &ReleaseTable, reservation: &mut Option<Reservation>) {
    *reservation = Some(Reservation::Released);
}

fn main() {
    let restaurant = || {
        let choreography = Choreography::new("restaurant").on(reserve_table).fallback(nothing::<ReserveTable>);
        Harness::of([choreography.compensate(release_table), guests()])
    };

    let in_order = restaurant();
    in_order.publish("guests", &ReserveTable { guest: 1 });
    println!("reserved: {:?}", in_order.until::<Reservation>(&1, |_| true));
    in_order.publish("guests", &ReleaseTable { guest: 1 });
    println!("released: {:?}", in_order.until::<Reservation>(&1, |row| *row == Reservation::Released));

    let overtaken = restaurant();
    overtaken.publish("guests", &ReleaseTable { guest: 1 });
    overtaken.publish("guests", &ReserveTable { guest: 1 });
    overtaken.advance(std::time::Duration::from_secs(1));
    println!("the other way round: {:?}", overtaken.get::<Reservation>(&1));
}

/// The publisher of both messages. Nothing calls its command: the example publishes in its name, in both orders.
fn guests() -> Choreography {
    #[derive(Clone, Serialize, Deserialize, choreography::Command)]
    #[command(name = "visit", key = guest, row = Visit)]
    struct VisitRestaurant {
        guest: u32,
    }
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "visit", key = u32)]
    struct Visit;
    fn visit(command: &VisitRestaurant, visit: &mut Option<Visit>) -> (ReserveTable, ReleaseTable) {
        *visit = Some(Visit);
        (ReserveTable { guest: command.guest }, ReleaseTable { guest: command.guest })
    }
    Choreography::new("guests").command(visit)
}

// Output:
// reserved: Held
// released: Released
// the other way round: Some(Released)
