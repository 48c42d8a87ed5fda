//! The envelopes of outgoing messages: id, expiry and trace follow from the message that caused them.

use jiff::Timestamp;
use uuid::Uuid;

use crate::clock::later;
use crate::declare::message::Due;
use crate::declare::outgoing::OutgoingMessage;
use crate::settings::Settings;
use crate::store::{ScheduleChange, ScheduledRow};
use crate::wire::envelope::{Envelope, Heading, child_trace};
use crate::wire::ids::published_id;
use crate::wire::role::Role;

/// What caused an outgoing message.
#[derive(Debug, Clone)]
pub(crate) struct Cause {
    pub id: Uuid,
    pub correlation: String,
    pub trace: String,
    /// The deadline that is handed on to the steps that follow; none if each begins a new one.
    pub expiry: Option<Timestamp>,
}

impl Cause {
    /// Returns a received message as a cause. A deadline goes from step to step only: a step that follows from an event,
    /// a compensation, a fallback or an effect begins a new one, so that a fact that arrives late is acted upon.
    pub(crate) fn of(heading: &Heading<'_>, deadline: Option<Timestamp>) -> Self {
        Self {
            id: heading.id,
            correlation: heading.correlation.to_owned(),
            trace: heading.trace.to_owned(),
            expiry: deadline,
        }
    }
}

/// Puts the outgoing messages of a service into envelopes.
pub(crate) struct EnvelopeWriter<'a> {
    pub service: &'static str,
    pub settings: &'a Settings,
    pub now: Timestamp,
}

/// An outgoing message in its envelope.
pub(crate) enum WrittenEnvelope {
    Now(Envelope),
    Scheduled(ScheduleChange),
}

impl EnvelopeWriter<'_> {
    /// Writes the envelope of an outgoing message, which is the `index`th that a function returned. Its id follows from
    /// the cause and the index, so that a function that is called again publishes the same messages.
    pub(crate) fn write(&self, outgoing: OutgoingMessage, cause: &Cause, role: &str, index: usize) -> WrittenEnvelope {
        let id = published_id(cause.id, self.service, role, outgoing.name, index);
        let due = match outgoing.due {
            None => None,
            Some(Due::At(moment)) => Some(moment),
            Some(Due::After(delay)) => Some(later(self.now, delay)),
            Some(Due::Cancelled) => {
                return WrittenEnvelope::Scheduled(ScheduleChange::Remove {
                    name: outgoing.name.to_owned(),
                    key: outgoing.key,
                });
            }
        };
        let time = due.unwrap_or(self.now);
        let handed_on = cause.expiry.filter(|_| due.is_none());
        let deadline = || handed_on.unwrap_or_else(|| later(time, self.settings.message_deadline));
        let heading = Heading {
            id,
            source: self.service,
            kind: &[&self.settings.namespace, ".", outgoing.name, ".v", &outgoing.version.to_string()].concat(),
            time,
            subject: &outgoing.key,
            correlation: &cause.correlation,
            causation: &cause.id.to_string(),
            expiry: (outgoing.role == Role::Step).then(deadline),
            trace: &child_trace(&cause.trace, id),
        };
        let envelope = heading.envelope(outgoing.name, outgoing.payload);
        match due {
            None => WrittenEnvelope::Now(envelope),
            Some(due) => WrittenEnvelope::Scheduled(ScheduleChange::Set(ScheduledRow {
                name: outgoing.name.to_owned(),
                key: outgoing.key,
                due_ms: due.as_millisecond(),
                envelope,
            })),
        }
    }
}
