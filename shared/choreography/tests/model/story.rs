//! A story: steps that can be made up from a seed, replayed, and shortened.

use crate::message::{Kind, ServiceName, Tick};
use crate::publishing::Fate;
use crate::random::Random;

/// One thing that happens. Instances are 0 and 1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A command at the order service: kind, key, and whether the server refuses the row.
    Command(usize, Kind, u8, bool),
    /// The order service is to publish something later.
    Schedule(u8),
    /// The scheduled message is due, at an instance.
    Due(usize),
    /// A leader sends so many rows.
    Send(ServiceName, usize, usize),
    /// So many of the sent rows are stored and acknowledged.
    Arrive(ServiceName, usize, usize),
    /// One of the sent rows, or its acknowledgement, is lost.
    Break(ServiceName, usize, Fate),
    /// What was sent over an ended connection arrives.
    ArriveLate(ServiceName),
    /// A leader reads so many messages.
    Read(ServiceName, usize, usize),
    /// A leader commits what it has read.
    Commit(ServiceName, usize),
    /// Time passes: leases, relaying, notes, forgetting.
    Pass(Tick),
    /// A process ends and starts again.
    Restart(ServiceName, usize),
    /// A process reads, and stands still before it commits.
    Pause(ServiceName, usize),
    /// It goes on, and commits.
    Continue(ServiceName, usize),
    /// A service can't reach the server.
    Disconnect(ServiceName),
    /// It can again.
    Reconnect(ServiceName),
    /// A circuit opens.
    Hold(Kind),
    /// It closes.
    Release(Kind),
    /// A database is copied.
    CopyDatabase(ServiceName),
    /// A database is put back to one of its copies, and the processes are started again or not.
    PutDatabaseBack(ServiceName, usize, bool),
    /// The service `Notify` is deployed.
    Deploy,
    /// The service `Delivery` takes up another kind.
    Subscribe,
    /// The server is killed and loses its tail: so many messages.
    LoseTail(u64),
    /// A block in the middle is damaged: from the end, and how many messages.
    LoseHole(u64, u64),
    /// The first block is damaged.
    LoseHead(u64),
    /// The server's files are copied.
    CopyStream,
    /// The server's files are put back to one of the copies.
    PutStreamBack(usize),
    /// The stream is made anew.
    Recreate,
    /// An operator lets a halted service go on.
    Operate(ServiceName),
}

/// What may happen in a story, beside the ordinary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Rows and acknowledgements are lost on their way.
    Network,
    /// Services are cut off for a while.
    Away,
    /// What was sent arrives when its connection has ended.
    Delay,
    /// Processes stand still while the other instance takes over.
    Pause,
    /// Rows are refused for good.
    Refused,
    /// Scheduled messages.
    Scheduled,
    /// Circuits hold a kind.
    Held,
    /// The order service's database is put back.
    PublisherBack,
    /// The payment service's database is put back.
    ChainBack,
    /// The delivery service's database is put back.
    SubscriberBack,
    /// Databases are put back under running processes, too.
    UnderRunning,
    /// A service is deployed late, or takes up a kind late.
    Late,
    /// The server loses its tail.
    Tail,
    /// The server loses something in the middle.
    Hole,
    /// The server loses its first messages.
    Head,
    /// The server's files are put back.
    StreamBack,
    /// The stream is made anew.
    Recreated,
    /// Halted services are let go on.
    Operator,
    /// The stream keeps messages for this many ticks only.
    Limits,
}

const READERS: [ServiceName; 3] = [ServiceName::Payment, ServiceName::Delivery, ServiceName::Notify];
const PUBLISHERS: [ServiceName; 3] = [ServiceName::Order, ServiceName::Order, ServiceName::Payment];

/// Makes a story up.
pub(crate) fn make_up(seed: u64, troubles: &[Trouble]) -> Vec<Step> {
    let mut random = Random::of(seed);
    let steps = 15 + random.below(if troubles.contains(&Trouble::Limits) { 250 } else { 100 });
    (0..steps).map(|_| make_up_step(&mut random, troubles)).collect()
}

fn make_up_step(random: &mut Random, troubles: &[Trouble]) -> Step {
    let instance = usize::from(random.percent(15));
    match random.below(100) {
        0..20 => {
            let refused = troubles.contains(&Trouble::Refused) && random.percent(15);
            let kind = random.pick(&[Kind::CreatePayment, Kind::CreatePayment, Kind::OrderUpdated]);
            Step::Command(instance, kind, random.below(2) as u8, refused)
        }
        20..32 => Step::Send(random.pick(&PUBLISHERS), instance, 1 + random.below(4) as usize),
        32..44 => Step::Arrive(random.pick(&PUBLISHERS), instance, 1 + random.below(4) as usize),
        44..56 => Step::Read(random.pick(&READERS), instance, 1 + random.below(6) as usize),
        56..68 => Step::Commit(random.pick(&READERS), instance),
        68..78 => Step::Pass(random.pick(&[1, 1, 1, 2, 6, 12])),
        78..82 => Step::Restart(random.pick(&ServiceName::ALL), instance),
        _ if troubles.is_empty() => Step::Pass(1),
        _ => {
            let trouble = random.pick(troubles);
            make_up_trouble(random, troubles, trouble)
        }
    }
}

fn make_up_trouble(random: &mut Random, troubles: &[Trouble], trouble: Trouble) -> Step {
    let (first, publisher, service) = (random.percent(50), random.pick(&PUBLISHERS), random.pick(&ServiceName::ALL));
    let (which, few) = (random.below(10) as usize, 1 + random.below(5));
    let instance = usize::from(random.percent(30));
    let restarts = !troubles.contains(&Trouble::UnderRunning) || random.percent(50);
    let either = |one, other| if first { one } else { other };
    let database = |name| either(Step::CopyDatabase(name), Step::PutDatabaseBack(name, which, restarts));
    match trouble {
        Trouble::Network => Step::Break(publisher, instance, if first { Fate::NotAcknowledged } else { Fate::Lost }),
        Trouble::Away => either(Step::Disconnect(service), Step::Reconnect(service)),
        Trouble::Delay => either(Step::Restart(publisher, instance), Step::ArriveLate(publisher)),
        Trouble::Pause => either(Step::Pause(service, instance), Step::Continue(service, instance)),
        Trouble::Refused => Step::Pass(1),
        Trouble::Scheduled => either(Step::Schedule(which as u8 % 2), Step::Due(instance)),
        Trouble::Held => {
            let kind = random.pick(&[Kind::CreatePayment, Kind::OrderUpdated]);
            either(Step::Hold(kind), Step::Release(kind))
        }
        Trouble::PublisherBack => database(ServiceName::Order),
        Trouble::ChainBack => database(ServiceName::Payment),
        Trouble::SubscriberBack => database(ServiceName::Delivery),
        Trouble::Late => either(Step::Deploy, Step::Subscribe),
        Trouble::Tail => Step::LoseTail(few),
        Trouble::Hole => Step::LoseHole(which as u64, random.below(7)),
        Trouble::Head => Step::LoseHead(which as u64),
        Trouble::StreamBack => either(Step::CopyStream, Step::PutStreamBack(which)),
        Trouble::Recreated => either(Step::Recreate, Step::Pass(1)),
        Trouble::Operator => Step::Operate(random.pick(&READERS)),
        Trouble::Limits | Trouble::UnderRunning => Step::Pass(1),
    }
}

/// Leaves out steps as long as the story still fails.
pub(crate) fn shorten(mut steps: Vec<Step>, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut piece = steps.len() / 2;
    while piece > 0 {
        let mut at = 0;
        while at < steps.len() {
            let mut shorter = steps.clone();
            shorter.drain(at..(at + piece).min(steps.len()));
            if fails(&shorter) { steps = shorter } else { at += piece }
        }
        piece /= 2;
    }
    steps
}
