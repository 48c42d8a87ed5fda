//! Everything is received twice here: the second time must change and publish nothing.

use std::collections::BTreeMap;
use std::fmt::Debug;

use choreography::Reason;
use contracts::{Confirmation, Currency, Line, Money, OrderId, Sku};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::reservation::Status;

const ON_SHELF: u64 = 10;

/// What inventory can receive of one order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Input {
    /// So many pieces of tea, on one line; and one mug.
    Reserve(u32),
    ReserveDied,
    Assigned,
    AssignedDied,
    Cancel,
    /// As `Cancel`, of an order that the customer has.
    CancelGone,
}
use Input::*;

/// What inventory keeps of one order, and its shelf.
#[derive(Debug, Clone, PartialEq)]
struct State {
    reservation: Option<Reservation>,
    shelf: BTreeMap<Sku, Stock>,
}

impl State {
    fn new() -> Self {
        let stock = |sku: &str| {
            let price = Money::new(100, Currency::EUR);
            Stock { sku: sku.parse().unwrap(), name: sku.into(), description: None, price, on_shelf: ON_SHELF, held: 0 }
        };
        let shelf = ["tea", "mug"].map(stock).map(|stock| (stock.sku.clone(), stock));
        Self { reservation: None, shelf: shelf.into() }
    }

    /// Receives an input twice, and returns what was published the first time.
    fn receive(&mut self, input: Input) -> Vec<String> {
        match input {
            Reserve(pieces) => {
                let message = message(reserve(pieces));
                let (payment, cancel) = self.twice(|reservation, stock| reserve_stock(&message, reservation, stock));
                let payment = payment.map(|payment| format!("create-payment {}", payment.amount));
                payment.into_iter().chain(cancel.map(shown)).collect()
            }
            ReserveDied => {
                let dead = died();
                self.twice::<_, ()>(|reservation, _| give_up(&dead, reservation)).map(shown).into_iter().collect()
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
                self.twice(|reservation, stock| ship_anyway(&dead, reservation, stock));
                Vec::new()
            }
            Cancel | CancelGone => {
                let (reason, goods_gone) = (CancelReason::CustomerCancelled, input == CancelGone);
                let message = message(CancelOrder { order_id: order(), reason, goods_gone });
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
        assert_eq!(self.once(&react), S::default(), "published something again");
        assert_eq!(*self, after, "changed something again");
        outgoing
    }

    fn once<S, O>(&mut self, react: &impl Fn(&mut Option<Reservation>, &mut Rows<Stock, O>) -> S) -> S {
        let mut stock = Rows::of(self.shelf.iter().map(|(sku, stock)| (sku.clone(), Some(stock.clone()))));
        let outgoing = react(&mut self.reservation, &mut stock);
        self.shelf = stock.iter().map(|(sku, stock)| (sku.clone(), stock.clone())).collect();
        outgoing
    }

    /// Returns how much tea is on the shelf, and how much of it is held.
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

fn shown(cancel: CancelOrder) -> String {
    format!("cancel-order {}", cancel.reason)
}

#[test]
fn in_every_order_of_messages_pieces_and_publications_are_right() {
    type Case = (&'static [Input], &'static [&'static str], Status, (u64, u64));
    let cases: [Case; 17] = [
        (&[Reserve(3)], &["create-payment 4.00 EUR"], Status::Held, (10, 3)),
        (&[Reserve(3), Assigned], &["create-payment 4.00 EUR"], Status::Shipped, (7, 0)),
        (&[Reserve(3), AssignedDied], &["create-payment 4.00 EUR"], Status::Shipped, (7, 0)),
        (&[Reserve(3), AssignedDied, Assigned], &["create-payment 4.00 EUR"], Status::Shipped, (7, 0)),
        (&[Reserve(3), Cancel], &["create-payment 4.00 EUR"], Status::Released, (10, 0)),
        (&[Reserve(3), Assigned, Cancel], &["create-payment 4.00 EUR"], Status::Returned, (10, 0)),
        (&[Reserve(3), Cancel, Assigned], &["create-payment 4.00 EUR"], Status::Released, (10, 0)),
        (&[Reserve(3), Assigned, CancelGone], &["create-payment 4.00 EUR"], Status::Lost, (7, 0)),
        (&[Reserve(3), CancelGone, Assigned], &["create-payment 4.00 EUR"], Status::Lost, (7, 0)),
        (&[Reserve(3), CancelGone, Cancel], &["create-payment 4.00 EUR"], Status::Lost, (7, 0)),
        (&[CancelGone, Reserve(3)], &[], Status::Released, (10, 0)),
        (&[Cancel, Reserve(3)], &[], Status::Released, (10, 0)),
        (&[Reserve(11)], &["cancel-order out-of-stock"], Status::Refused, (10, 0)),
        (&[Reserve(11), Cancel], &["cancel-order out-of-stock"], Status::Refused, (10, 0)),
        (&[Cancel, Reserve(11)], &[], Status::Released, (10, 0)),
        (&[ReserveDied, Reserve(3)], &["cancel-order failed"], Status::Refused, (10, 0)),
        (&[Cancel, ReserveDied], &[], Status::Released, (10, 0)),
    ];
    for (story, published, status, tea) in cases {
        let mut state = State::new();
        let outgoing: Vec<String> = story.iter().flat_map(|input| state.receive(*input)).collect();
        assert_eq!((outgoing, state.tea()), (published.iter().map(ToString::to_string).collect(), tea), "{story:?}");
        assert_eq!(state.reservation.unwrap().status, status, "{story:?}");
    }
}

#[test]
fn after_every_story_with_a_cancellation_the_shelf_is_as_before() {
    let all = [Reserve(3), ReserveDied, Assigned, AssignedDied, Cancel];
    let mut stories = vec![Vec::new()];
    for _ in 0..4 {
        stories = stories.iter().flat_map(|story| all.map(|input| [story.as_slice(), &[input]].concat())).collect();
    }
    assert_eq!(stories.len(), 625);
    for story in stories {
        let mut state = State::new();
        let published: Vec<String> = story.iter().flat_map(|input| state.receive(*input)).collect();
        assert!(published.len() <= 1, "{story:?} {published:?}");
        let (on_shelf, held) = state.tea();
        assert!(held <= on_shelf, "{story:?}");
        if story.contains(&Cancel) {
            assert_eq!((on_shelf, held), (ON_SHELF, 0), "{story:?}");
        }
    }
}
