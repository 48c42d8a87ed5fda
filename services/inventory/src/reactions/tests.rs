//! Everything is received twice here: the second time must change nothing and say nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;

use choreography::Reason;
use contracts::{Confirmation, Currency, Line, Money, OrderId, Sku};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::reservation::Status;

const ON_SHELF: u64 = 10;

/// Something that inventory receives of one order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hears {
    /// So many pieces of tea, on one line; and one mug.
    Reserve(u32),
    ReserveDied,
    Assigned,
    AssignedDied,
    Cancel,
}
use Hears::*;

/// What inventory keeps of one order, and its shelf.
#[derive(Debug, Clone, PartialEq)]
struct Room {
    reservation: Option<Reservation>,
    shelf: BTreeMap<Sku, Stock>,
}

impl Room {
    fn new() -> Self {
        let stock = |sku: &str| {
            let price = Money::new(100, Currency::EUR);
            Stock { sku: sku.parse().unwrap(), name: sku.into(), price, on_shelf: ON_SHELF, held: 0 }
        };
        let shelf = ["tea", "mug"].map(stock).map(|stock| (stock.sku.clone(), stock));
        Self { reservation: None, shelf: shelf.into() }
    }

    /// Receives it twice; what was said the first time.
    fn hear(&mut self, receives: Hears) -> Vec<String> {
        match receives {
            Reserve(pieces) => {
                let message = message(reserve(pieces));
                let (payment, cancel) = self.twice(|reservation, stock| reserve_stock(&message, reservation, stock));
                let payment = payment.map(|payment| format!("create-payment {}", payment.amount));
                payment.into_iter().chain(cancel.map(outgoing)).collect()
            }
            ReserveDied => {
                let dead = died();
                self.twice::<_, ()>(|reservation, _| give_up(&dead, reservation)).map(outgoing).into_iter().collect()
            }
            Assigned => {
                let message =
                    message(DeliveryAssigned { order_id: order(), delivery_id: id(2).into(), dealer: "Nora".into() });
                if self.reservation.is_some() {
                    self.twice(|reservation, stock| ship_stock(&message, reservation.as_mut().unwrap(), stock));
                }
                Vec::new()
            }
            AssignedDied => {
                let dead = died();
                self.twice(|reservation, stock| ship_late(&dead, reservation, stock));
                Vec::new()
            }
            Cancel => {
                let message = message(CancelOrder { order_id: order(), reason: CancelReason::CustomerCancelled });
                self.twice(|reservation, stock| release_stock(&message, reservation, stock));
                Vec::new()
            }
        }
    }

    fn twice<S: Default + PartialEq + Debug, O>(
        &mut self,
        react: impl Fn(&mut Option<Reservation>, &mut Rows<Stock, O>) -> S,
    ) -> S {
        let outgoing = self.once(&react);
        let after = self.clone();
        assert_eq!(self.once(&react), S::default(), "said again");
        assert_eq!(*self, after, "changed again");
        outgoing
    }

    fn once<S, O>(&mut self, react: &impl Fn(&mut Option<Reservation>, &mut Rows<Stock, O>) -> S) -> S {
        let mut stock = Rows::of(self.shelf.iter().map(|(sku, stock)| (sku.clone(), Some(stock.clone()))));
        let outgoing = react(&mut self.reservation, &mut stock);
        self.shelf = stock.iter().map(|(sku, stock)| (sku.clone(), stock.clone())).collect();
        outgoing
    }

    /// Tea on the shelf, and how much of it is held.
    fn tea(&self) -> (u64, u64) {
        let tea = &self.shelf[&"tea".parse().unwrap()];
        (tea.on_shelf, tea.held)
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0000 + number)
}

fn order() -> OrderId {
    id(1).into()
}

fn message<M>(message: M) -> Incoming<M> {
    Incoming::new(message, id(9), Timestamp::UNIX_EPOCH)
}

fn died<M: choreography::Message<Key = OrderId>>() -> Dead<M> {
    Dead::new(order(), Reason::Expired, "too late", id(9), Timestamp::UNIX_EPOCH)
}

fn reserve(pieces: u32) -> ReserveStock {
    let line = |sku: &str, quantity| Line { sku: sku.parse().unwrap(), quantity };
    let lines = vec![line("tea", pieces), line("mug", 1)];
    ReserveStock { order_id: order(), customer_id: id(3).into(), lines, confirmation: Confirmation::Manual }
}

fn outgoing(cancel: CancelOrder) -> String {
    format!("cancel-order {}", cancel.reason)
}

#[test]
fn whatever_comes_first_pieces_and_words_end_up_right() {
    type Case = (&'static [Hears], &'static [&'static str], Status, (u64, u64));
    let cases: [Case; 13] = [
        (&[Reserve(3)], &["create-payment 4.00 EUR"], Status::Held, (10, 3)),
        (&[Reserve(3), Assigned], &["create-payment 4.00 EUR"], Status::Shipped, (7, 0)),
        (&[Reserve(3), AssignedDied], &["create-payment 4.00 EUR"], Status::Shipped, (7, 0)),
        (&[Reserve(3), AssignedDied, Assigned], &["create-payment 4.00 EUR"], Status::Shipped, (7, 0)),
        (&[Reserve(3), Cancel], &["create-payment 4.00 EUR"], Status::Released, (10, 0)),
        (&[Reserve(3), Assigned, Cancel], &["create-payment 4.00 EUR"], Status::Returned, (10, 0)),
        (&[Reserve(3), Cancel, Assigned], &["create-payment 4.00 EUR"], Status::Released, (10, 0)),
        (&[Cancel, Reserve(3)], &[], Status::Released, (10, 0)),
        (&[Reserve(11)], &["cancel-order out-of-stock"], Status::Refused, (10, 0)),
        (&[Reserve(11), Cancel], &["cancel-order out-of-stock"], Status::Refused, (10, 0)),
        (&[Cancel, Reserve(11)], &[], Status::Released, (10, 0)),
        (&[ReserveDied, Reserve(3)], &["cancel-order failed"], Status::Refused, (10, 0)),
        (&[Cancel, ReserveDied], &[], Status::Released, (10, 0)),
    ];
    for (story, words, status, tea) in cases {
        let mut room = Room::new();
        let outgoing: Vec<String> = story.iter().flat_map(|receives| room.hear(*receives)).collect();
        assert_eq!((outgoing, room.tea()), (words.iter().map(ToString::to_string).collect(), tea), "{story:?}");
        assert_eq!(room.reservation.unwrap().status, status, "{story:?}");
    }
}

#[test]
fn after_every_possible_story_with_a_cancellation_the_shelf_is_as_before() {
    let all = [Reserve(3), ReserveDied, Assigned, AssignedDied, Cancel];
    let mut stories = vec![Vec::new()];
    for _ in 0..4 {
        stories =
            stories.iter().flat_map(|story| all.map(|receives| [story.as_slice(), &[receives]].concat())).collect();
    }
    assert_eq!(stories.len(), 625);
    for story in stories {
        let mut room = Room::new();
        let words: Vec<String> = story.iter().flat_map(|receives| room.hear(*receives)).collect();
        assert!(words.len() <= 1, "{story:?} said {words:?}");
        let (on_shelf, held) = room.tea();
        assert!(held <= on_shelf, "{story:?}");
        if story.contains(&Cancel) {
            assert_eq!((on_shelf, held), (ON_SHELF, 0), "{story:?}");
        }
    }
}
