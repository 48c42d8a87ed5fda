//! Repairs: a dead message that an operator has replayed, or dropped.
//!
//! The message comes again under its own id, with a header that names one death of it. Only the service where it died
//! takes it, and only while its inbox holds it for dead with as many tries: so nothing is done twice. What came of it is
//! said in the commit that does it, as a record among the dead letters.

use crate::envelope::Envelope;
use crate::letters::Outcome;

/// The header of a replay: `<service>/<tries>/<sequence of the letter>`.
pub(crate) const REPLAY: &str = "dead-replay";
/// The header of a drop: the same.
pub(crate) const DROP: &str = "dead-drop";
/// What both begin with.
const MARKS_BEGIN: &str = "dead-";
/// The header that says why something is dropped.
pub(crate) const DROP_REASON: &str = "dead-drop-reason";

/// What the headers of a repair may need beside the message's own, in bytes.
pub(crate) const REPAIR_BYTES_MAX: usize = 1_024;

/// What is asked about one death of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repair {
    /// Whether it is to be done again; otherwise it is given up.
    pub replay: bool,
    /// Where it died.
    pub service: String,
    /// How often it had been tried by then.
    pub tries: u32,
    /// The sequence of its letter.
    pub letter: u64,
}

impl Repair {
    /// What a message asks for, if it asks for a repair at all.
    pub(crate) fn of(envelope: &Envelope) -> Option<Result<Self, String>> {
        if !envelope.headers.mention(MARKS_BEGIN) {
            return None;
        }
        let (asked, mark) = envelope.headers.iter().find(|(name, _)| [REPLAY, DROP].contains(name))?;
        let read = || {
            let mut parts = mark.split('/');
            let service = parts.next()?.to_owned();
            let (tries, letter) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
            parts.next().is_none().then_some(Self { replay: asked == REPLAY, service, tries, letter })
        };
        Some(read().ok_or_else(|| format!("{mark:?} names no death: it is <service>/<tries>/<letter>")))
    }
}

/// The record of what came of a repair.
pub(crate) fn record(
    envelope: &Envelope,
    repair: &Repair,
    outcome: Outcome,
    detail: &str,
    now: jiff::Timestamp,
) -> Envelope {
    let subject = format!("handled.{}.{}", repair.service, repair.letter).into();
    let (what, id) = (if repair.replay { "replay" } else { "drop" }, envelope.header("ce-id").unwrap_or_default());
    let (detail, time) = (crate::saying::one_line(detail), now.to_string());
    let headers = [
        ("ce-id", id),
        ("handled-what", what),
        ("handled-outcome", outcome.as_str()),
        ("handled-detail", &detail),
        ("handled-time", &time),
    ];
    Envelope { subject, headers: headers.into(), payload: Default::default() }
}
