//! The opening of a delivered message: is it one of ours, can it be read, is it worth doing.

use jiff::Timestamp;

use crate::choreography::Choreography;
use crate::envelope::{Envelope, Heading};
use crate::message::Reason;
use crate::repair::{REPAIR_BYTES_MAX, Repair};
use crate::saying::Death;
use crate::step::{Kind, Opened};
use crate::words::PAYLOAD_BYTES_MAX;

/// The headers of a message are at most so long, in bytes: what a dead letter adds must still find room beside them.
const HEADERS_BYTES_MAX: usize = 3 * 1_024;

/// What was found when a message was opened.
pub(crate) enum Found<'a> {
    /// Not one of ours: its headers are missing, or contradict its subject, or nobody here hears it.
    Foreign(String),
    /// One that died on arrival.
    Dead(Heading<'a>, Death),
    /// One to be done. Opened if a reaction hears it; an effect may hear it, too.
    Alive(Heading<'a>, Option<Opened>),
}

/// Opens a message at a moment. Expiry is judged here, and only here and while waiting: not by a batch that is done
/// again, and not of a message that an operator has replayed.
pub(crate) fn open<'a>(choreography: &Choreography, envelope: &'a Envelope, now: Timestamp) -> Found<'a> {
    let Some((sayer, name, key)) = envelope.parts() else {
        return Found::Foreign(format!("the subject {} is not ours", envelope.subject));
    };
    let heading = match Heading::read(envelope) {
        Ok(heading) => heading,
        Err(problem) => return Found::Foreign(problem),
    };
    let repair = match Repair::of(envelope).transpose() {
        Ok(repair) => repair,
        Err(problem) => return Found::Foreign(problem),
    };
    let headers_bytes_max = HEADERS_BYTES_MAX + if repair.is_some() { REPAIR_BYTES_MAX } else { 0 };
    if envelope.payload.len() > PAYLOAD_BYTES_MAX || envelope.headers.bytes() > headers_bytes_max {
        return Found::Foreign("it is larger than a message may be".to_owned());
    }
    let (step, effect) = (choreography.step(name), choreography.effect_step(name));
    let Some(version) = step.map(|step| step.version).or(effect.map(|effect| effect.version)) else {
        return Found::Foreign(format!("nothing here hears {name}"));
    };
    let (kind, said_version) = heading.kind.rsplit_once(".v").unwrap_or((heading.kind, ""));
    if heading.source != sayer || heading.subject != key || kind.rsplit('.').next() != Some(name) {
        return Found::Foreign(format!("the headers contradict the subject {}", envelope.subject));
    }
    let poison = |detail: String| Death { reason: Reason::Poison, detail, tries: 1 };
    if said_version != version.to_string() {
        let detail = format!("unknown version: it is {}, here {name} is of version {version}", heading.kind);
        return Found::Dead(heading, poison(detail));
    }
    let undo = step.is_some_and(|step| step.kind == Kind::Undo);
    if let Some(expiry) = heading.expiry.filter(|expiry| !undo && repair.is_none() && *expiry < now) {
        let detail = format!("expired: it was worth doing until {expiry}");
        return Found::Dead(heading, Death { reason: Reason::Expired, detail, tries: 0 });
    }
    if let Some(Err(problem)) = effect.map(|effect| (effect.readable)(&envelope.payload)) {
        return Found::Dead(heading, poison(problem));
    }
    match step.map(|step| step.open(&envelope.payload, key, heading.id, now)).transpose() {
        Ok(opened) => Found::Alive(heading, opened),
        Err(problem) => Found::Dead(heading, poison(problem)),
    }
}
