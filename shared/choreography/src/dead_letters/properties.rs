//! What holds for the dead letter of any message: an operator reads it, and it is replayed as it was.

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use super::dead_letter::DeadLetter;
use crate::bus::Stored;
use crate::wire::circumstances::Circumstances;
use crate::wire::dead_letter::{Death, Reason, dead_letter, parts};
use crate::wire::envelope::{Envelope, Heading, root_trace};
use crate::wire::repair::{REPLAY, Repair, RepairOutcome, RepairRecord, record};
use crate::wire::role::Role;
use crate::wire::series::MessageNumber;
use crate::wire::subject::{check_key, is_publishable};

/// Returns any message that a service recognizes: with headers that it does not know, of any size.
fn any_message() -> impl Strategy<Value = Envelope> {
    let key = "[a-z0-9é-]{1,40}".prop_filter("a key", |key| check_key(key).is_ok());
    let more = vec(("[a-zA-Z][a-zA-Z0-9-]{0,20}", "\\PC{0,300}"), 0..20);
    (key, more, vec(any::<u8>(), 0..200), any::<u128>(), 1..u64::from(u32::MAX)).prop_map(
        |(key, more, payload, id, number)| {
            let (id, outbox) = (Uuid::from_u128(id), Uuid::from_u128(id >> 1));
            let (causation, trace) = (id.to_string(), root_trace(id));
            let heading = Heading {
                id,
                source: "order",
                kind: "test.debit.v1",
                time: Timestamp::UNIX_EPOCH,
                subject: &key,
                correlation: &key,
                causation: &causation,
                expiry: None,
                trace: &trace,
            };
            let message = heading.envelope("debit", payload);
            // What is not of the choreography: its own headers say what they say only once.
            let more = more.iter().filter(|(name, _)| !name.starts_with("dead-") && !name.starts_with("ce-"));
            let more = more.map(|(name, value)| (name.as_str(), value.as_str()));
            let headers = message.headers.iter().chain(more).collect();
            MessageNumber { outbox, number }.put_on(Envelope { headers, ..message })
        },
    )
}

fn any_death() -> impl Strategy<Value = (Death, Circumstances)> {
    let reason = prop_oneof![Just(Reason::Poison), Just(Reason::Exhausted), Just(Reason::Expired)];
    let role = prop_oneof![Just(None), Just(Some(Role::Step)), Just(Some(Role::Compensation))];
    (reason, "(?s).{0,400}", any::<u32>(), role, any::<u64>(), any::<bool>()).prop_map(
        |(reason, detail, tries, role, processed, replayed)| {
            (Death { reason, detail, tries }, Circumstances { role, processed, replayed })
        },
    )
}

fn any_record() -> impl Strategy<Value = (Repair, RepairOutcome, String)> {
    let outcome = proptest::sample::select(RepairOutcome::ALL.to_vec());
    let repair = (any::<bool>(), any::<u32>(), any::<u64>()).prop_map(|(replay, tries, dead_letter)| Repair {
        replay,
        service: "payment".to_owned(),
        tries,
        dead_letter,
    });
    (repair, outcome, "(?s).{0,200}")
}

fn pairs(envelope: &Envelope) -> Vec<(&str, &str)> {
    envelope.headers.iter().filter(|(name, _)| !["ce-outbox", "ce-number"].contains(name)).collect()
}

proptest! {
    #[test]
    fn a_dead_letter_is_read_as_it_was_written_and_replayed_as_the_message_was(
        message in any_message(),
        (death, circumstances) in any_death(),
        sequence in any::<u64>(),
    ) {
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        let written = dead_letter("payment", &message, &death, circumstances, now);
        prop_assert!(is_publishable(&written.subject));
        let key = message.parts().unwrap().2;
        prop_assert_eq!(parts(&written.subject), Some(("payment", "debit", key)));
        let read = Circumstances::read(&written);
        prop_assert_eq!((read.role, read.processed), (circumstances.role, circumstances.processed));
        prop_assert_eq!(read.replayed, circumstances.replayed);

        let stored = Stored { sequence, at: now, envelope: written.clone(), unreadable: None };
        let letter = DeadLetter::read(&stored);
        let reason = (letter.reason.as_str(), letter.tries, letter.died_at);
        prop_assert_eq!(reason, (death.reason.as_str(), Some(death.tries), Some(now)));
        prop_assert_eq!(letter.published_as.as_deref(), Some(&*message.subject));
        prop_assert_eq!(letter.flaw.is_some(), letter.lacks.is_some());
        if letter.flaw.is_none() {
            let original = letter.original(written);
            prop_assert_eq!(&original.subject, &message.subject);
            prop_assert_eq!(&original.payload, &message.payload);
            prop_assert_eq!(pairs(&original), pairs(&message));
            let replay = Envelope { headers: original.headers.with(REPLAY, letter.mark()), ..original };
            let (service, dead_letter) = ("payment".to_owned(), sequence);
            let wanted = Repair { replay: true, service, tries: death.tries, dead_letter };
            prop_assert_eq!(Repair::of(&replay), Some(Ok(wanted)));
        }
    }

    #[test]
    fn a_record_of_a_repair_is_read_as_it_was_written(
        message in any_message(),
        (repair, outcome, detail) in any_record(),
    ) {
        let now = Timestamp::from_second(1_767_225_600).unwrap();
        let written = record(&message, &repair, outcome, &detail, now);
        let read = RepairRecord::read(&written).unwrap();
        prop_assert_eq!((read.service.as_str(), read.dead_letter), ("payment", repair.dead_letter));
        prop_assert_eq!((read.outcome, read.time), (outcome, Some(now)));
        prop_assert_eq!(read.what.as_str(), if repair.replay { "replay" } else { "drop" });
        prop_assert_eq!(read.id.map(|id| id.to_string()), message.header("ce-id").map(str::to_owned));
        prop_assert!(read.detail.len() <= 1_000 && !read.detail.contains(char::is_control));
    }
}
