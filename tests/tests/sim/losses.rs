//! The shop in stories in which messages and rows are lost for good: of their orders nothing is known, and everything else
//! must hold.

use std::sync::Arc;
use std::time::Duration;

use choreography::testing::{Event, Harness, Losses, Random, Services, Size, Story, Trouble, World};
use choreography::{Choreography, Settings};

use crate::deed::Deed;
use crate::shop::Shop;

/// How long a service keeps what it has published: shorter than a subscriber is away.
const OUTBOX_KEPT: Duration = Duration::from_secs(10);
/// How long a subscriber is away until the server loses what it has not read.
const AWAY: Duration = Duration::from_secs(25);
/// The services that are away; the others are asked by customers.
const SUBSCRIBERS: &[&str] = &["inventory", "wallet", "notify"];

/// A shop that loses what it can't get back.
#[derive(Default)]
struct LosingShop(Shop);

impl World for LosingShop {
    type Action = Deed;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Deed)> {
        Shop::draw(random, size)
    }

    fn change_troubles(random: &mut Random, end: Duration, troubles: &mut Vec<(Duration, Event<Deed>)>) {
        *troubles = if random.chance(60) { lose_messages(random) } else { lose_rows(random, end) };
    }

    fn services(&self) -> Vec<Choreography> {
        self.0.services()
    }

    fn settings(&self) -> Settings {
        Settings { outbox_kept: OUTBOX_KEPT, ..self.0.settings() }
    }

    async fn act(self: Arc<Self>, deed: Deed, services: Services) {
        self.0.known.act(deed, services).await;
    }

    fn check(&self, harness: &Harness, losses: &Losses) -> Result<(), String> {
        self.0.check(harness, losses)
    }
}

/// Draws the loss of messages that a service has not read, and that their publishers do not keep any more.
fn lose_messages(random: &mut Random) -> Vec<(Duration, Event<Deed>)> {
    let service = random.pick(SUBSCRIBERS);
    let away = Duration::from_secs(random.of(2..10));
    let lost = Trouble::ServerLosesBlock { behind: random.of(0..20), count: random.of(50..300) };
    vec![
        (away, Event::Crash(service)),
        (away + AWAY, Event::Trouble(lost)),
        (away + AWAY + Duration::from_secs(1), Event::Start(service)),
    ]
}

/// Draws the loss of what commands of order have written, with its database, after their messages were published.
fn lose_rows(random: &mut Random, end: Duration) -> Vec<(Duration, Event<Deed>)> {
    let copied = Duration::from_secs(1) + random.within(end / 2);
    let put_back = copied + Duration::from_secs(random.of(1..8));
    vec![
        (copied, Event::Trouble(Trouble::DatabaseCopied("order"))),
        (put_back, Event::Crash("order")),
        (put_back, Event::Trouble(Trouble::DatabasePutBack("order"))),
        (put_back + Duration::from_secs(1), Event::Start("order")),
    ]
}

/// The same shop, whose check expects that no order is lost.
#[derive(Default)]
struct Unbelieving(LosingShop);

impl World for Unbelieving {
    type Action = Deed;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Deed)> {
        LosingShop::draw(random, size)
    }

    fn services(&self) -> Vec<Choreography> {
        self.0.services()
    }

    fn settings(&self) -> Settings {
        self.0.settings()
    }

    async fn act(self: Arc<Self>, deed: Deed, services: Services) {
        self.0.0.known.act(deed, services).await;
    }

    fn check(&self, harness: &Harness, _: &Losses) -> Result<(), String> {
        self.0.check(harness, &Losses::default())
    }
}

const SIZE: Size = Size { actions: 40, troubles: 0 };

#[test]
fn whatever_is_lost_for_good_the_other_orders_end_and_money_and_pieces_are_where_they_belong() {
    let losing: Vec<_> = (1..=8).map(|seed| Story::draw::<LosingShop>(seed, SIZE)).filter(loses).collect();
    assert!(losing.len() > 2, "{} stories have lost messages", losing.len());
    let is_noticed = losing.iter().any(|story| story.run::<Unbelieving>().is_err());
    assert!(is_noticed, "no check notices that orders are lost");
}

/// Runs a story, and returns whether something was lost for good in it.
fn loses(story: &Story<Deed>) -> bool {
    match story.run::<LosingShop>() {
        Ok(outcome) => outcome.lost > 0,
        Err(broken) => panic!("seed {}: {broken}\n{story}", story.seed),
    }
}
