//! The properties of inventory, and that no piece is lost.

use choreography::testing::{Moment, Properties};
use contracts::{CancelOrder, DeliveryAssigned, ReserveStock, Sku};
use inventory::catalogue::AdjustStock;
use inventory::reservation::{Reservation, Status};
use inventory::stock::Stock;

/// Returns how many pieces of a product the reservations of a state have.
fn pieces(reservations: &[Reservation], sku: &Sku, statuses: &[Status]) -> u64 {
    let reservations = reservations.iter().filter(|reservation| statuses.contains(&reservation.status));
    let lines = reservations.flat_map(|reservation| &reservation.lines).filter(|line| line.sku == *sku);
    lines.map(|line| u64::from(line.quantity)).sum()
}

fn holds_what_is_reserved(story: &Moment<'_>) {
    let reservations = story.rows::<Reservation>();
    for stock in story.rows::<Stock>() {
        assert_eq!(stock.held, pieces(&reservations, &stock.sku, &[Status::Held]), "{}", stock.sku);
        assert!(stock.held <= stock.on_shelf, "{}", stock.sku);
    }
}

/// The pieces on the shelf and those that have left it are together as many as before, unless somebody has counted them.
fn conserves_pieces(story: &Moment<'_>) {
    let gone = [Status::Shipped, Status::Lost];
    let all = |stock: &Stock, reservations: &[Reservation]| stock.on_shelf + pieces(reservations, &stock.sku, &gone);
    let adjusted = story.done::<AdjustStock>();
    for before in story.rows_before::<Stock>() {
        let after = story.row::<Stock>(&before.sku).expect("a product stays");
        let adjusted = adjusted.as_ref().filter(|adjusted| adjusted.sku == before.sku);
        let expected = all(&before, &story.rows_before()).checked_add_signed(adjusted.map_or(0, |by| by.delta));
        assert_eq!(Some(all(&after, &story.rows())), expected, "{}", after.sku);
    }
}

/// Pieces are shipped once they are held. A delivery is assigned after inventory has held the pieces, so that nothing
/// waits to be shipped if the message about it dies before.
fn ships_what_is_held(story: &Moment<'_>) {
    let (before, after) = (story.own_row_before::<Reservation>(), story.own_row::<Reservation>());
    let after = after.map(|reservation| reservation.status);
    let expected: &[Option<Status>] = match before.map(|reservation| reservation.status) {
        Some(Status::Held) => &[Some(Status::Shipped)],
        Some(ended) => &[Some(ended)],
        None => &[Some(Status::Held), Some(Status::Shipped), Some(Status::Refused)],
    };
    assert!(expected.contains(&after), "{after:?}");
}

/// A reservation that is cancelled leaves the shelf as if it had never been, unless its pieces are lost.
fn restores_the_shelf(story: &Moment<'_>) {
    let status = story.own_row::<Reservation>().expect("a cancellation leaves a row").status;
    assert!(!matches!(status, Status::Held | Status::Shipped), "{status:?}");
    if story.own_row_before::<Reservation>().is_none() && status != Status::Lost {
        assert_eq!(story.rows::<Stock>(), story.rows_before::<Stock>());
    }
}

/// Pieces of a cancelled order are on the shelf again, shipped or not, or they are lost.
fn takes_back_shipped_pieces(story: &Moment<'_>) {
    let (before, after) = (story.own_row_before::<Reservation>(), story.own_row::<Reservation>());
    let after = after.expect("a cancellation leaves a row").status;
    let expected: &[Status] = match before.map(|before| before.status) {
        Some(Status::Held) => &[Status::Released, Status::Returned, Status::Lost],
        Some(Status::Shipped) => &[Status::Returned, Status::Lost],
        None => &[Status::Released],
        Some(_) => return,
    };
    assert!(expected.contains(&after), "{after:?}");
}

#[test]
fn inventory_has_every_property_of_a_service() {
    let sku: Sku = "sku-0".parse().expect("it is one");
    let properties = Properties::of(inventory::choreography())
        .example(AdjustStock { sku, delta: -3 })
        .keeps("what is held is what is reserved", holds_what_is_reserved)
        .keeps("no piece is lost", conserves_pieces)
        .race::<ReserveStock, DeliveryAssigned>(ships_what_is_held)
        .race::<ReserveStock, CancelOrder>(restores_the_shelf)
        .race::<DeliveryAssigned, CancelOrder>(takes_back_shipped_pieces);
    let reaches = |properties: Properties, status: Status| {
        properties.reaches(format!("a reservation that is {status:?}"), move |story| {
            story.rows::<Reservation>().iter().any(|reservation| reservation.status == status)
        })
    };
    let all = [Status::Held, Status::Shipped, Status::Refused, Status::Released, Status::Returned, Status::Lost];
    all.into_iter().fold(properties, reaches).check();
}
