//! Everything is received twice here: the second time must change nothing and say nothing.

use std::fmt::Debug;

use choreography::Reason;
use contracts::{Address, Zone};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::dealers::Dealer;

/// Something that delivery receives of one order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Hears {
    Create,
    CreateDied,
    /// The command; refused or not.
    Complete,
    Cancel,
}
use Hears::*;

/// What delivery keeps of one order, and its zone.
#[derive(Debug, Clone, PartialEq)]
struct Room {
    delivery: Option<Delivery>,
    zone: Option<Dealers>,
}

impl Room {
    /// A zone with one dealer, or none at all.
    fn new(capacity: Option<u32>) -> Self {
        let dealer = |capacity| Dealer { name: "Nora".into(), capacity, active: 0 };
        let zone = capacity.map(|capacity| Dealers { zone: north(), dealers: vec![dealer(capacity)] });
        Self { delivery: None, zone }
    }

    /// Receives it twice; what was said the first time.
    fn hear(&mut self, receives: Hears) -> Vec<String> {
        match receives {
            Create => {
                let address = Address { zone: north(), line: "1 Hill Road".into() };
                let message = message(CreateDelivery { order_id: order(), address });
                let (assigned, cancel) =
                    self.twice(|room| create_delivery(&message, &mut room.delivery, &mut room.zone));
                let assigned = assigned.map(|assigned| format!("delivery-assigned {}", assigned.dealer));
                assigned.into_iter().chain(cancel.map(outgoing)).collect()
            }
            CreateDied => {
                let dead = Dead::new(order(), Reason::Expired, "too late", id(9), Timestamp::UNIX_EPOCH);
                self.twice(|room| give_up(&dead, &mut room.delivery)).map(outgoing).into_iter().collect()
            }
            Complete => {
                if self.delivery.is_some() {
                    self.twice(|room| drop(room.complete()));
                }
                Vec::new()
            }
            Cancel => {
                let message = message(CancelDelivery { order_id: order(), reason: CancelReason::CustomerCancelled });
                let cancel = self.twice(|room| {
                    let mut dealers = room.dealers();
                    let cancel = cancel_delivery(&message, &mut room.delivery, &mut dealers);
                    room.keep(&dealers);
                    cancel
                });
                cancel.map(outgoing).into_iter().collect()
            }
        }
    }

    fn complete(&mut self) -> Result<(), Rejected> {
        let (command, mut dealers) = (message(CompleteDelivery { order_id: order() }), self.dealers());
        let done = complete_delivery(&command, self.delivery.as_mut().unwrap(), &mut dealers);
        self.keep(&dealers);
        done
    }

    fn twice<S: Default + PartialEq + Debug>(&mut self, react: impl Fn(&mut Self) -> S) -> S {
        let outgoing = react(self);
        let after = self.clone();
        assert_eq!(react(self), S::default(), "said again");
        assert_eq!(*self, after, "changed again");
        outgoing
    }

    /// The zones that the delivery concerns, as the runtime finds them.
    fn dealers(&self) -> Rows<Dealers, Delivery> {
        let zones = self.delivery.iter().flat_map(choreography::Concerns::concerns);
        Rows::of(zones.map(|zone| (zone, self.zone.clone())))
    }

    fn keep(&mut self, dealers: &Rows<Dealers, Delivery>) {
        if let Some(zone) = dealers.get(&north()) {
            self.zone = Some(zone.clone());
        }
    }

    fn active(&self) -> u32 {
        self.zone.as_ref().map_or(0, |zone| zone.dealers[0].active)
    }
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0000 + number)
}

fn order() -> OrderId {
    id(1).into()
}

fn north() -> Zone {
    "north".parse().unwrap()
}

fn message<M>(message: M) -> Incoming<M> {
    Incoming::new(message, id(9), Timestamp::UNIX_EPOCH)
}

fn outgoing(cancel: CancelPayment) -> String {
    format!("cancel-payment {}", cancel.reason)
}

const ASSIGNED: &str = "delivery-assigned Nora";
const NO_DEALER: &str = "cancel-payment no-dealer";
const FAILED: &str = "cancel-payment failed";
const CANCELLED: &str = "cancel-payment customer-cancelled";

#[test]
fn whatever_comes_first_places_and_words_end_up_right() {
    let cases: [(_, &[Hears], &[&str], Status, u32); 12] = [
        (Some(1), &[Create], &[ASSIGNED], Status::Assigned, 1),
        (Some(1), &[Create, Complete], &[ASSIGNED], Status::Completed, 0),
        (Some(1), &[Create, Cancel], &[ASSIGNED, CANCELLED], Status::Cancelled, 0),
        (Some(1), &[Create, Cancel, Complete], &[ASSIGNED, CANCELLED], Status::Cancelled, 0),
        (Some(1), &[Create, Complete, Cancel], &[ASSIGNED, CANCELLED], Status::Completed, 0),
        (Some(1), &[Cancel, Create], &[CANCELLED], Status::Cancelled, 0),
        (Some(1), &[CreateDied, Create], &[FAILED], Status::Refused, 0),
        (Some(1), &[CreateDied, Cancel], &[FAILED, CANCELLED], Status::Cancelled, 0),
        (Some(1), &[Cancel, CreateDied], &[CANCELLED], Status::Cancelled, 0),
        (Some(0), &[Create], &[NO_DEALER], Status::Refused, 0),
        (None, &[Create], &[NO_DEALER], Status::Refused, 0),
        (None, &[Create, Cancel], &[NO_DEALER, CANCELLED], Status::Cancelled, 0),
    ];
    for (capacity, story, words, status, active) in cases {
        let mut room = Room::new(capacity);
        let outgoing: Vec<String> = story.iter().flat_map(|receives| room.hear(*receives)).collect();
        assert_eq!(outgoing, words, "{story:?}");
        assert_eq!((room.active(), room.delivery.unwrap().status), (active, status), "{story:?}");
    }
}

#[test]
fn after_every_possible_story_with_a_cancellation_no_place_is_taken_and_the_money_went_back() {
    let all = [Create, CreateDied, Complete, Cancel];
    let mut stories = vec![Vec::new()];
    for _ in 0..4 {
        stories =
            stories.iter().flat_map(|story| all.map(|receives| [story.as_slice(), &[receives]].concat())).collect();
    }
    assert_eq!(stories.len(), 256);
    for story in stories {
        let mut room = Room::new(Some(1));
        let words: Vec<String> = story.iter().flat_map(|receives| room.hear(*receives)).collect();
        let assigned = room.delivery.as_ref().is_some_and(|delivery| delivery.status == Status::Assigned);
        assert_eq!(room.active(), u32::from(assigned), "{story:?}");
        if story.contains(&Cancel) {
            assert!(!assigned, "{story:?}");
            assert_eq!(words.iter().filter(|word| *word == CANCELLED).count(), 1, "{story:?} said {words:?}");
        }
    }
}

#[test]
fn only_what_is_on_its_way_can_be_completed() {
    let cases: [(&[Hears], Result<(), &str>); 4] = [
        (&[Create], Ok(())),
        (&[Create, Complete], Ok(())),
        (&[Create, Cancel], Err("delivery-cancelled")),
        (&[CreateDied], Err("delivery-refused")),
    ];
    for (story, expected) in cases {
        let mut room = Room::new(Some(1));
        story.iter().for_each(|receives| drop(room.hear(*receives)));
        let before = room.clone();
        let done = room.complete().map_err(|refused| refused.code);
        assert_eq!(done.err().as_deref(), expected.err(), "{story:?}");
        assert!(expected.is_ok() || room == before, "{story:?}");
    }
}

#[test]
fn goods_and_money_that_are_both_gone_are_marked_as_a_loss() {
    for (story, lost) in [([Create, Complete, Cancel], true), ([Create, Cancel, Complete], false)] {
        let mut room = Room::new(Some(1));
        story.iter().for_each(|receives| drop(room.hear(*receives)));
        assert_eq!(room.delivery.unwrap().lost, lost, "{story:?}");
    }
}
