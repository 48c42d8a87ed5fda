//! A stream and a consumer as they have to be on the server.

use std::time::Duration;

use serde_json::{Value, json};

use crate::bus::PROGRESS_BYTES_MAX;
use crate::bus::jetstream::planned::{keeping_settings, merged, reading_settings};
use crate::bus::jetstream::progress::{bucket_stream, note_subject};
use crate::wire::dead_letter::{DEAD_LETTER_SUBJECTS, DEAD_LETTERS, EVENTS};
use crate::wire::envelope::MESSAGE_BYTES_MAX;
use crate::wire::subject::SUBSCRIBER;

/// How long an event is kept: longer than any service is down.
const EVENTS_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a dead letter is kept: longer than an operator needs to repair it.
const DEAD_LETTERS_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The window in which the server looks for repeated message ids: the shortest, because no message here has one.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(1);

/// How long a note of progress is kept: until the next one, also when the service is gone for long.
const PROGRESS_AGE_MAX: Duration = Duration::ZERO;

/// How many bytes of notes are kept: of 250 services.
const PROGRESS_BYTES: u64 = 16 * 1024 * 1024;

/// A stream in files, limited by age, messages and bytes. The oldest messages leave first, and nobody can change or
/// delete one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    /// Its name.
    pub name: String,
    /// The subjects of its messages.
    pub subjects: Vec<String>,
    /// How long it keeps a message; zero for as long as the other limits allow.
    pub age_max: Duration,
    /// How many messages it keeps; the oldest leave first. The server needs about 300 bytes of memory for each.
    pub messages_max: u64,
    /// How many messages of a subject it keeps; none for as many as the other limits allow.
    pub messages_of_subject_max: Option<u64>,
    /// How many bytes it keeps; the oldest messages leave first.
    pub bytes_max: u64,
    /// The largest message that it takes, in bytes, headers included.
    pub message_bytes_max: usize,
}

/// A durable consumer of the stream `EVENTS`, which is pulled without acknowledgements: the service's database has the
/// checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerPlan {
    /// The service that reads with it.
    pub service: String,
    /// The instance that reads with it, from 0.
    pub slot: u32,
    /// The subjects of the messages that it receives.
    pub filter_subjects: Vec<String>,
}

impl StreamPlan {
    /// How many bytes a stream keeps if nothing else is set: 4 GiB.
    pub const BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

    /// How many messages a stream keeps if nothing else is set: 4 million, for which the server needs 1.2 GB of memory.
    pub const MESSAGES_MAX: u64 = 4_000_000;

    /// Returns the stream `EVENTS`, with the subjects of its publishers: `order.*.*`, and so on.
    pub fn events(subjects: Vec<String>) -> Self {
        Self::new(EVENTS, subjects, EVENTS_AGE_MAX)
    }

    /// Returns the stream `DEAD_LETTERS`, of dead letters and the records of their repairs.
    pub fn dead_letters() -> Self {
        Self::new(DEAD_LETTERS, DEAD_LETTER_SUBJECTS.map(str::to_owned).into(), DEAD_LETTERS_AGE_MAX)
    }

    /// Returns the stream of the key-value bucket `PROGRESS`, which has the last note of each service. It is in files: a
    /// stream in memory is gone when a server without a cluster restarts.
    pub fn progress() -> Self {
        Self {
            bytes_max: PROGRESS_BYTES,
            message_bytes_max: PROGRESS_BYTES_MAX,
            messages_of_subject_max: Some(1),
            ..Self::new(&bucket_stream(), vec![note_subject(">")], PROGRESS_AGE_MAX)
        }
    }

    fn new(name: &str, subjects: Vec<String>, age_max: Duration) -> Self {
        Self {
            name: name.to_owned(),
            subjects,
            age_max,
            messages_max: Self::MESSAGES_MAX,
            messages_of_subject_max: None,
            bytes_max: Self::BYTES_MAX,
            message_bytes_max: MESSAGE_BYTES_MAX,
        }
    }

    /// Returns the definition for the server's API, including what must be off.
    pub(super) fn definition(&self) -> Value {
        let own = json!({
            "name": self.name,
            "subjects": sorted(&self.subjects),
            "storage": "file",
            "discard": "old",
            "num_replicas": 1,
            "max_age": nanoseconds(self.age_max),
            "max_bytes": self.bytes_max,
            "max_msgs": self.messages_max,
            "max_msgs_per_subject": self.messages_of_subject_max.map_or(json!(-1), Value::from),
            "max_msg_size": self.message_bytes_max,
            "max_consumers": -1,
            "duplicate_window": nanoseconds(DUPLICATE_WINDOW),
            "allow_direct": true,
            "discard_new_per_subject": false,
            "allow_msg_schedules": false,
            "allow_msg_counter": false,
            "allow_atomic": false,
            "allow_batched": false,
            "republish": null,
            "mirror": null,
            "sources": null,
        });
        merged(keeping_settings(), own)
    }
}

impl ConsumerPlan {
    /// Returns its name, `<service>-<slot>`.
    pub fn name(&self) -> String {
        format!("{}-{}", self.service, self.slot)
    }

    /// Returns the definition for the server's API, including what must be off.
    pub(super) fn definition(&self) -> Value {
        let (mark, subscriber) = SUBSCRIBER;
        let own = json!({
            "name": self.name(),
            "durable_name": self.name(),
            "filter_subjects": sorted(&self.filter_subjects),
            "num_replicas": 0,
            "mem_storage": false,
            "filter_subject": "",
            "metadata": { mark: subscriber },
        });
        merged(reading_settings(), own)
    }
}

/// Returns the subjects of all messages that a service publishes.
pub(super) fn subjects_of(service: &str) -> String {
    format!("{service}.*.*")
}

fn sorted(subjects: &[String]) -> Vec<&String> {
    let mut subjects: Vec<&String> = subjects.iter().collect();
    subjects.sort();
    subjects
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
