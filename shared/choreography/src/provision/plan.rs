//! What there has to be on the server.

use std::time::Duration;

use serde_json::{Value, json};

use crate::wire::dead_letter::{DEAD_LETTER_SUBJECTS, DEAD_LETTERS, EVENTS};
use crate::wire::envelope::MESSAGE_BYTES_MAX;

/// How long an event is kept: longer than anybody may be down and still catch up.
const EVENTS_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long a dead letter is kept: longer than it takes somebody to see to it.
const DEAD_LETTERS_AGE_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The window in which the server looks for repeated message ids: the shortest, as nothing here carries one.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(1);

/// Everything that has to be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The streams.
    pub streams: Vec<StreamPlan>,
    /// Their consumers.
    pub consumers: Vec<ConsumerPlan>,
}

/// A stream: in files, limited by age and bytes, the oldest leave first, and nothing in it can be changed, deleted or
/// rewritten by anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamPlan {
    /// Its name.
    pub name: String,
    /// What it takes.
    pub subjects: Vec<String>,
    /// How long it keeps a message.
    pub age_max: Duration,
    /// How many bytes it keeps.
    pub bytes_max: u64,
    /// The largest message that it takes, with its headers.
    pub message_bytes_max: usize,
}

/// A durable consumer that is pulled without acknowledgements: its reader's database knows how far it has read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerPlan {
    /// The stream that it reads.
    pub stream: String,
    /// Its name: `<service>-<slot>`.
    pub name: String,
    /// What it is sent.
    pub filter_subjects: Vec<String>,
}

impl StreamPlan {
    /// How many bytes a stream keeps if nothing else is said: 4 GiB.
    pub const BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

    /// The stream of events, with the subjects of those who say them: `order.*.*`, and so on.
    pub fn events(subjects: Vec<String>, bytes_max: u64) -> Self {
        Self::new(EVENTS, subjects, EVENTS_AGE_MAX, bytes_max)
    }

    /// The stream of dead letters and of what became of them.
    pub fn dead_letters(bytes_max: u64) -> Self {
        Self::new(DEAD_LETTERS, DEAD_LETTER_SUBJECTS.map(str::to_owned).into(), DEAD_LETTERS_AGE_MAX, bytes_max)
    }

    fn new(name: &str, subjects: Vec<String>, age_max: Duration, bytes_max: u64) -> Self {
        Self { name: name.to_owned(), subjects, age_max, bytes_max, message_bytes_max: MESSAGE_BYTES_MAX }
    }

    /// As the server's API has it, with what must be off said as well.
    pub(super) fn definition(&self) -> Value {
        json!({
            "name": self.name,
            "subjects": sorted(&self.subjects),
            "storage": "file",
            "retention": "limits",
            "discard": "old",
            "num_replicas": 1,
            "max_age": nanoseconds(self.age_max),
            "max_bytes": self.bytes_max,
            "max_msgs": -1,
            "max_msgs_per_subject": -1,
            "max_msg_size": self.message_bytes_max,
            "max_consumers": -1,
            "duplicate_window": nanoseconds(DUPLICATE_WINDOW),
            "allow_direct": true,
            "deny_delete": true,
            "deny_purge": true,
            "sealed": false,
            "no_ack": false,
            "discard_new_per_subject": false,
            "allow_rollup_hdrs": false,
            "allow_msg_ttl": false,
            "allow_msg_schedules": false,
            "allow_msg_counter": false,
            "allow_atomic": false,
            "allow_batched": false,
            "subject_transform": null,
            "republish": null,
            "mirror": null,
            "sources": null,
        })
    }
}

impl ConsumerPlan {
    pub(super) fn definition(&self) -> Value {
        json!({
            "name": self.name,
            "durable_name": self.name,
            "filter_subjects": sorted(&self.filter_subjects),
            "ack_policy": "none",
            "deliver_policy": "all",
            "replay_policy": "instant",
            "num_replicas": 0,
            "inactive_threshold": 0,
            "mem_storage": false,
            "headers_only": false,
            "deliver_subject": "",
            "filter_subject": "",
            "rate_limit_bps": 0,
            "pause_until": null,
            "priority_groups": null,
        })
    }
}

fn sorted(subjects: &[String]) -> Vec<&String> {
    let mut subjects: Vec<&String> = subjects.iter().collect();
    subjects.sort();
    subjects
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
