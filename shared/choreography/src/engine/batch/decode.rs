//! Decodes a delivered message: whether it belongs to the choreography, can be read, and has not expired. None that can't
//! be read is skipped: it dies.

use jiff::Timestamp;

use crate::declare::call::ErasedInput;
use crate::declare::choreography::Choreography;
use crate::declare::effect::EffectHandler;
use crate::declare::outgoing::PAYLOAD_BYTES_MAX;
use crate::planted::{PlantedBug, planted};
use crate::wire::dead_letter::{Death, Reason};
use crate::wire::envelope::{Envelope, Heading};
use crate::wire::repair::{REPAIR_BYTES_MAX, Repair};
use crate::wire::role::Role;
use crate::wire::subject::check_key;

/// The largest size of a message's headers, in bytes: a dead letter adds more of them, and the server bounds the sum.
const HEADERS_BYTES_MAX: usize = 3 * 1_024;

/// A decoded message.
pub(crate) enum Decoded<'a> {
    /// A message that can't be recognized, for this reason: its headers are missing, or contradict its subject. It dies,
    /// but nothing that it says is believed: whoever may pull can make the server store a message under any subject.
    Unreadable(String),
    /// A message of the choreography that dies on arrival.
    Rejected(Heading<'a>, Death),
    /// A message to process, with the input of its reaction, if it has one; an effect may receive it, too.
    Accepted(Heading<'a>, Option<ErasedInput>),
}

impl<'a> Decoded<'a> {
    /// Returns the heading of a message of the choreography.
    pub(crate) fn heading(&self) -> Option<Heading<'a>> {
        match self {
            Decoded::Unreadable(_) => None,
            Decoded::Rejected(heading, _) | Decoded::Accepted(heading, _) => Some(*heading),
        }
    }
}

/// Decodes a message. Expiry is checked here and while a message waits. It is not checked when a batch is tried again, nor
/// for a message that an operator has replayed, nor if the message is read again (`is_read_again`).
pub(crate) fn decode<'a>(
    choreography: &Choreography,
    envelope: &'a Envelope,
    now: Timestamp,
    is_read_again: bool,
) -> Decoded<'a> {
    let Some((publisher, name, key)) = envelope.parts() else {
        return Decoded::Unreadable(format!("the subject {} is not `<publisher>.<message>.<key>`", envelope.subject));
    };
    let heading = match Heading::read(envelope) {
        Ok(heading) => heading,
        Err(error) => return Decoded::Unreadable(error.to_string()),
    };
    let repair = match Repair::of(envelope).transpose() {
        Ok(repair) => repair,
        Err(problem) => return Decoded::Unreadable(problem),
    };
    let headers_bytes_max = HEADERS_BYTES_MAX + if repair.is_some() { REPAIR_BYTES_MAX } else { 0 };
    if envelope.payload.len() > PAYLOAD_BYTES_MAX || envelope.headers.bytes() > headers_bytes_max {
        return Decoded::Unreadable("it is larger than a message may be".to_owned());
    }
    let (handler, effect) = (choreography.handler(name), choreography.effect_handler(name));
    let versions = handler.map(|handler| &handler.versions).or(effect.map(|effect| &effect.versions));
    let version = match heading.name_and_version() {
        Some((of, version)) if of == name && heading.source == publisher && heading.subject == key => version,
        _ => return Decoded::Unreadable(format!("the headers contradict the subject {}", envelope.subject)),
    };
    if let Err(invalid) = check_key(key).and_then(|()| check_key(heading.correlation)) {
        return Decoded::Unreadable(invalid.to_string());
    }
    let poison = |detail: String| Death { reason: Reason::Poison, detail, tries: 1 };
    let Some(versions) = versions else {
        return Decoded::Rejected(
            heading,
            poison(format!("nothing here receives {name}: deploy the version that does")),
        );
    };
    if !versions.contains(&version) {
        let detail = format!("version {version} of {name} is unknown here: this service reads {versions:?}");
        return Decoded::Rejected(heading, poison(detail));
    }
    let expires = choreography.role_of(name) == Some(Role::Step) && repair.is_none();
    let expires = expires && !is_read_again && !planted(PlantedBug::ExpiryIgnored);
    if let Some(expiry) = heading.expiry.filter(|expiry| expires && *expiry < now) {
        return Decoded::Rejected(heading, expired(format!("its deadline was {expiry}")));
    }
    let unreadable = |effect: &EffectHandler| effect.decode(version, &envelope.payload, key, heading.id, now).err();
    if let Some(problem) = effect.and_then(unreadable) {
        return Decoded::Rejected(heading, poison(problem));
    }
    match handler.map(|handler| handler.decode(version, &envelope.payload, key, heading.id, now)).transpose() {
        Ok(input) => Decoded::Accepted(heading, input),
        Err(problem) => Decoded::Rejected(heading, poison(problem)),
    }
}

/// Returns the death of a step that has expired.
pub(super) fn expired(detail: String) -> Death {
    Death { reason: Reason::Expired, detail: format!("expired: {detail}"), tries: 0 }
}
