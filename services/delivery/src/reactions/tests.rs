//! Everything is received twice here: the second time must change and publish nothing.

use std::fmt::Debug;

use choreography::Reason;
use contracts::{Address, Zone};
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::dealers::Dealer;

/// What delivery can receive of one order.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Input {
    Create,
    CreateDied,
    /// The command; refused or not.
    Complete,
    Cancel,
}
use Input::*;

/// What delivery keeps of one order, and its zone.
#[derive(Debug, Clone, PartialEq)]
struct State {
    delivery: Option<Delivery>,
    zone: Option<Dealers>,
}

impl State {
    /// Returns a zone with one dealer, or without any.
    fn new(capacity: Option<u32>) -> Self {
        let dealer = |capacity| Dealer { name: "Nora".into(), capacity, active: 0 };
        let zone = capacity.map(|capacity| Dealers { zone: north(), dealers: vec![dealer(capacity)] });
        Self { delivery: None, zone }
    }

    /// Receives an input twice, and returns what was published the first time.
    fn receive(&mut self, input: Input) -> Vec<String> {
        match input {
            Create => {
                let address = Address { zone: north(), line: "1 Hill Road".into() };
                let message = message(CreateDelivery { order_id: order(), address });
                let (assigned, cancel) =
                    self.twice(|state| create_delivery(&message, &mut state.delivery, &mut state.zone));
                let assigned = assigned.map(|assigned| format!("delivery-assigned {}", assigned.dealer));
                assigned.into_iter().chain(cancel.map(shown)).collect()
            }
            CreateDied => {
                let dead = Dead::new(order(), Reason::Expired, "too late", id(9), Timestamp::UNIX_EPOCH);
                self.twice(|state| give_up(&dead, &mut state.delivery)).map(shown).into_iter().collect()
            }
            Complete => {
                if self.delivery.is_some() {
                    self.twice(|state| drop(state.complete()));
                }
                Vec::new()
            }
            Cancel => {
                let message = message(CancelDelivery { order_id: order(), reason: CancelReason::CustomerCancelled });
                let cancel = self.twice(|state| {
                    let mut dealers = state.dealers();
                    let cancel = cancel_delivery(&message, &mut state.delivery, &mut dealers);
                    state.keep(&dealers);
                    cancel
                });
                cancel.map(shown).into_iter().collect()
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
        assert_eq!(react(self), S::default(), "published something again");
        assert_eq!(*self, after, "changed something again");
        outgoing
    }

    /// Returns the zones that the delivery concerns, as the runtime finds them.
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

fn shown(cancel: CancelPayment) -> String {
    format!("cancel-payment {}{}", cancel.reason, if cancel.goods_gone { ", goods gone" } else { "" })
}

const ASSIGNED: &str = "delivery-assigned Nora";
const NO_DEALER: &str = "cancel-payment no-dealer";
const FAILED: &str = "cancel-payment failed";
const CANCELLED: &str = "cancel-payment customer-cancelled";
const LOST: &str = "cancel-payment customer-cancelled, goods gone";

#[test]
fn in_every_order_of_messages_capacity_and_publications_are_right() {
    let cases: [(_, &[Input], &[&str], Status, u32); 12] = [
        (Some(1), &[Create], &[ASSIGNED], Status::Assigned, 1),
        (Some(1), &[Create, Complete], &[ASSIGNED], Status::Completed, 0),
        (Some(1), &[Create, Cancel], &[ASSIGNED, CANCELLED], Status::Cancelled, 0),
        (Some(1), &[Create, Cancel, Complete], &[ASSIGNED, CANCELLED], Status::Cancelled, 0),
        (Some(1), &[Create, Complete, Cancel], &[ASSIGNED, LOST], Status::Completed, 0),
        (Some(1), &[Cancel, Create], &[CANCELLED], Status::Cancelled, 0),
        (Some(1), &[CreateDied, Create], &[FAILED], Status::Refused, 0),
        (Some(1), &[CreateDied, Cancel], &[FAILED, CANCELLED], Status::Cancelled, 0),
        (Some(1), &[Cancel, CreateDied], &[CANCELLED], Status::Cancelled, 0),
        (Some(0), &[Create], &[NO_DEALER], Status::Refused, 0),
        (None, &[Create], &[NO_DEALER], Status::Refused, 0),
        (None, &[Create, Cancel], &[NO_DEALER, CANCELLED], Status::Cancelled, 0),
    ];
    for (capacity, story, published, status, active) in cases {
        let mut state = State::new(capacity);
        let outgoing: Vec<String> = story.iter().flat_map(|input| state.receive(*input)).collect();
        assert_eq!(outgoing, published, "{story:?}");
        assert_eq!((state.active(), state.delivery.unwrap().status), (active, status), "{story:?}");
    }
}

#[test]
fn after_every_story_with_a_cancellation_no_dealer_is_busy_and_the_payment_is_cancelled_once() {
    let all = [Create, CreateDied, Complete, Cancel];
    let mut stories = vec![Vec::new()];
    for _ in 0..4 {
        stories = stories.iter().flat_map(|story| all.map(|input| [story.as_slice(), &[input]].concat())).collect();
    }
    assert_eq!(stories.len(), 256);
    for story in stories {
        let mut state = State::new(Some(1));
        let published: Vec<String> = story.iter().flat_map(|input| state.receive(*input)).collect();
        let assigned = state.delivery.as_ref().is_some_and(|delivery| delivery.status == Status::Assigned);
        assert_eq!(state.active(), u32::from(assigned), "{story:?}");
        if story.contains(&Cancel) {
            assert!(!assigned, "{story:?}");
            let lost = state.delivery.is_some_and(|delivery| delivery.lost);
            let cancelled = published.iter().filter(|message| *message == if lost { LOST } else { CANCELLED });
            assert_eq!(cancelled.count(), 1, "{story:?} {published:?}");
        }
    }
}

#[test]
fn only_an_assigned_delivery_can_be_completed() {
    let cases: [(&[Input], Result<(), &str>); 4] = [
        (&[Create], Ok(())),
        (&[Create, Complete], Ok(())),
        (&[Create, Cancel], Err("delivery-cancelled")),
        (&[CreateDied], Err("delivery-refused")),
    ];
    for (story, expected) in cases {
        let mut state = State::new(Some(1));
        story.iter().for_each(|input| drop(state.receive(*input)));
        let before = state.clone();
        let done = state.complete().map_err(|refused| refused.code);
        assert_eq!(done.err().as_deref(), expected.err(), "{story:?}");
        assert!(expected.is_ok() || state == before, "{story:?}");
    }
}

#[test]
fn a_completed_delivery_that_is_cancelled_is_marked_as_lost() {
    for (story, lost) in [([Create, Complete, Cancel], true), ([Create, Cancel, Complete], false)] {
        let mut state = State::new(Some(1));
        story.iter().for_each(|input| drop(state.receive(*input)));
        assert_eq!(state.delivery.unwrap().lost, lost, "{story:?}");
    }
}
