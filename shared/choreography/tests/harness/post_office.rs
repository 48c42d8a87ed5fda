//! The post office in a simulated world: its customers, what goes wrong, and what must hold in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreography::testing::{Event, Harness, Losses, Published, Random, Services, Trouble, World};
use choreography::{Choreography, Settings};
use jiff::Timestamp;

use crate::parcels::{CancelParcel, Charge, Parcel, PostParcel, Shelf, services};

/// How long a step may take: less than the longest troubles.
const DEADLINE: Duration = Duration::from_secs(60);
/// How long published messages are kept: longer than a story and its check, so that none is lost for good, and what the
/// streams lack in the end shows.
const OUTBOX_KEPT: Duration = Duration::from_secs(6 * 60 * 60);
/// The services whose databases may be put back to a copy: what they had done since follows from what they read.
const FOLLOWERS: &[&str] = &["till", "depot", "van"];
/// The parcel that is posted once everything has come to rest.
const LAST_PARCEL: u32 = 1_000_000;

/// What a customer does.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    Post(u32),
    Cancel(u32),
}

/// The post office and its customers.
#[derive(Default)]
pub(crate) struct PostOffice {
    posted: Mutex<BTreeSet<u32>>,
    cancelled: Mutex<BTreeSet<u32>>,
    last_is_posted: AtomicBool,
}

impl World for PostOffice {
    type Action = Deed;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Deed)> {
        let mut deeds = Vec::new();
        for parcel in 0..u32::try_from(size).unwrap() {
            deeds.push((random.within(Duration::from_secs(60)), Deed::Post(parcel)));
            if random.chance(25) {
                deeds.push((random.within(Duration::from_secs(60)), Deed::Cancel(parcel)));
            }
        }
        deeds
    }

    /// In some stories only databases are put back to copies: what else loses messages would let them be done twice. In
    /// others the stream is deleted, and every
    /// message is published again, or a few of the last messages are lost that are not the very last.
    fn change_troubles(random: &mut Random, end: Duration, troubles: &mut Vec<(Duration, Event<Deed>)>) {
        match random.of(0..4) {
            0 => {
                let count = troubles.len();
                troubles.clear();
                troubles.extend((0..count).flat_map(|_| put_back(random, end)));
            }
            1 => troubles.push((random.within(end), Event::Trouble(Trouble::StreamRecreated))),
            2 => {
                let hole = Trouble::ServerLosesBlock { behind: random.of(1..10), count: random.of(1..10) };
                troubles.push((random.within(end), Event::Trouble(hole)));
            }
            _ => {}
        }
    }

    fn services(&self) -> Vec<Choreography> {
        services()
    }

    /// Idempotence is not checked: the services count.
    fn settings(&self) -> Settings {
        let settings = Settings { message_deadline: DEADLINE, outbox_kept: OUTBOX_KEPT, ..Settings::default() };
        Settings { check_idempotence: false, ..settings }
    }

    async fn act(self: Arc<Self>, deed: Deed, services: Services) {
        let (parcel, done) = match deed {
            Deed::Post(parcel) => {
                let key = format!("post {parcel}");
                let first = services.insist(PostParcel { parcel }, Some(&key)).await.is_ok();
                // An impatient customer sends it twice.
                let second = services.insist(PostParcel { parcel }, Some(&key)).await.is_ok();
                (parcel, (first || second).then_some(&self.posted))
            }
            Deed::Cancel(parcel) => {
                let key = format!("cancel {parcel}");
                (parcel, services.insist(CancelParcel { parcel }, Some(&key)).await.is_ok().then_some(&self.cancelled))
            }
        };
        done.into_iter().for_each(|done| done.lock().unwrap().extend([parcel]));
    }

    fn check(&self, harness: &Harness, losses: &Losses) -> Result<(), String> {
        let (mut posted, cancelled) = (self.posted.lock().unwrap(), self.cancelled.lock().unwrap());
        let (published, dead) = (harness.published(), harness.dead_letters());
        let open = harness.service("office").breaker().circuits;
        if !open.is_empty() {
            return Err(format!("circuits are not closed: {open:?}"));
        }
        check_losses(losses.messages, &dead)?;
        let died: BTreeSet<_> = dead.iter().map(|dead| dead.envelope.subject.to_string()).collect();
        posted.iter().try_for_each(|parcel| check_parcel(harness, *parcel, cancelled.contains(parcel), &died))?;
        check_deadlines(&published, "charge-parcel", "parcel-charged")?;
        check_deadlines(&published, "deliver-parcel", "load-van")?;
        if !self.last_is_posted.load(Ordering::Relaxed) {
            harness.execute(PostParcel { parcel: LAST_PARCEL }).map_err(|error| format!("the last parcel: {error}"))?;
            self.last_is_posted.store(true, Ordering::Relaxed);
            posted.insert(LAST_PARCEL);
            return Err("the last parcel is on its way".to_owned());
        }
        check_copies(&published, LAST_PARCEL)
    }
}

/// Draws a database that is put back to a copy, while its service runs or after that has crashed.
fn put_back(random: &mut Random, end: Duration) -> Vec<(Duration, Event<Deed>)> {
    let (service, copied) = (random.pick(FOLLOWERS), random.within(end));
    let put_back = copied + random.within(Duration::from_secs(10));
    let pause = random.within(Duration::from_secs(3));
    let started = put_back + pause;
    let mut events = vec![
        (copied, Event::Trouble(Trouble::DatabaseCopied(service))),
        (put_back, Event::Trouble(Trouble::DatabasePutBack(service))),
        // One that runs ends when it notices.
        (started, Event::Start(service)),
    ];
    if random.chance(50) {
        events.insert(1, (put_back, Event::Crash(service)));
        // Some are away until what they read again is past its deadline.
        if service != "van" && pause.as_millis().is_multiple_of(2) {
            events.last_mut().unwrap().0 += DEADLINE;
        }
    }
    events
}

/// Checks that no message is lost, nor ever was said to be: every publisher keeps its messages.
fn check_losses(lost: u64, dead: &[Published]) -> Result<(), String> {
    let notice = dead.iter().find(|dead| dead.envelope.header("dead-reason") == Some("lost"));
    match (notice, lost) {
        (None, 0) => Ok(()),
        (notice, lost) => Err(format!("{lost} messages were reported as lost in the end, and before: {notice:?}")),
    }
}

/// Checks that everything about a parcel was done once, or is among the dead letters.
fn check_parcel(harness: &Harness, key: u32, is_cancelled: bool, dead: &BTreeSet<String>) -> Result<(), String> {
    let parcel = harness.get::<Parcel>(&key).unwrap_or_default();
    let charge = harness.get::<Charge>(&key).unwrap_or_default();
    let shelf = harness.get::<Shelf>(&key).unwrap_or_default();
    let died = |message: &str| u32::from(dead.iter().any(|subject| subject.ends_with(&format!("{message}.{key}"))));
    let cancelled = u32::from(is_cancelled);
    let refused = died("till.charge-parcel");
    let was_charged = parcel.charged == 1;
    let right = (parcel.posted, parcel.cancelled, parcel.reminded) == (1, cancelled, 1)
        && (charge.charged, charge.cancelled) == (1 - refused, cancelled)
        && (parcel.refused, parcel.charged <= 1 - refused) == (refused, true)
        && (was_charged || refused == 1 || is_cancelled)
        && charge.paid == (refused == 0 && !is_cancelled)
        && (shelf.charged, shelf.overlooked) == (parcel.charged, 0)
        && parcel.delivered + parcel.returned == 1
        && parcel.returned == died("depot.deliver-parcel") + died("van.load-van")
        && shelf.sent == parcel.delivered + died("van.load-van");
    if right { Ok(()) } else { Err(format!("parcel {key} has {parcel:?}, {charge:?} and {shelf:?}")) }
}

/// Checks that no step was done after its deadline: its result is a message that says when.
fn check_deadlines(published: &[Published], step: &str, result: &str) -> Result<(), String> {
    let time = |message: &Published, header| message.envelope.header(header)?.parse::<Timestamp>().ok();
    let steps = published.iter().filter(|message| message.message() == step);
    let deadlines: BTreeMap<_, _> = steps.map(|step| (step.key(), time(step, "ce-expirytime"))).collect();
    let mut results = published.iter().filter(|message| message.message() == result);
    match results.find(|result| deadlines.get(result.key()).is_some_and(|deadline| *deadline < time(result, "ce-time")))
    {
        Some(late) => Err(format!("{step} of parcel {} was done after the deadline", late.key())),
        None => Ok(()),
    }
}

/// Checks that each message about a parcel is stored once: nobody publishes who does not lead.
fn check_copies(published: &[Published], parcel: u32) -> Result<(), String> {
    let mut names = BTreeSet::new();
    let mut about = published.iter().filter(|message| message.key() == parcel.to_string());
    match about.find(|message| !names.insert(message.message())) {
        Some(copy) => Err(format!("{copy} of parcel {parcel} is stored twice, though nothing went wrong")),
        None => Ok(()),
    }
}
