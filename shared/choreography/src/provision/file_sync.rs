//! How soon the server writes to the disk what it has acknowledged, and what a power cut may lose.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use serde::Deserialize;

/// How many times the interval services must keep what they have published: a sync may start late and take long.
const KEPT_INTERVALS: u32 = 10;

/// When the server writes acknowledged messages from the operating system's memory to the disk. As text it is a
/// sentence that says what a power cut may lose.
///
/// It is not in the JetStream API, but at `/varz` of the server's monitoring port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileSync {
    /// Before it acknowledges a message.
    Always,
    /// At this interval.
    Every(Duration),
}

impl FileSync {
    /// Returns the setting in a reply of the server's `/varz`; none if it is not such a reply, or JetStream is off.
    pub fn from_varz(reply: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Varz {
            jetstream: JetStream,
        }
        #[derive(Deserialize)]
        struct JetStream {
            config: Config,
        }
        #[derive(Deserialize)]
        struct Config {
            #[serde(default)]
            sync_interval: u64,
            #[serde(default)]
            sync_always: bool,
        }
        let Varz { jetstream: JetStream { config } } = serde_json::from_slice(reply).ok()?;
        match config {
            Config { sync_always: true, .. } => Some(Self::Always),
            Config { sync_interval: 0, .. } => None,
            Config { sync_interval, .. } => Some(Self::Every(Duration::from_nanos(sync_interval))),
        }
    }

    /// Whether services that keep what they have published for this long can repeat all that a power cut may lose. The
    /// setting of a service is [`Settings::outbox_kept`](crate::Settings::outbox_kept), 10 minutes by default.
    pub fn is_covered_by(self, kept: Duration) -> bool {
        match self {
            Self::Always => true,
            Self::Every(interval) => kept >= interval * KEPT_INTERVALS,
        }
    }
}

impl Display for FileSync {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("the server syncs each message to the disk: a power cut loses nothing"),
            Self::Every(interval) => write!(
                f,
                "the server syncs to the disk every {interval:?} (sync_interval): a power cut may lose the messages of the last \
                 {interval:?}, which the services publish again if they keep published rows for {:?} or longer",
                *interval * KEPT_INTERVALS
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varz_shows_when_the_server_syncs() {
        for (reply, sync) in [
            (r#"{"jetstream":{"config":{"sync_interval":1000000000}}}"#, Some(FileSync::Every(Duration::from_secs(1)))),
            (r#"{"jetstream":{"config":{"sync_interval":1000000000,"sync_always":true}}}"#, Some(FileSync::Always)),
            (r#"{"jetstream":{}}"#, None),
            ("404 page not found", None),
        ] {
            assert_eq!(FileSync::from_varz(reply.as_bytes()), sync, "{reply}");
        }
    }

    #[test]
    fn rows_are_kept_long_enough_for_ten_intervals() {
        let sync = FileSync::Every(Duration::from_secs(1));
        assert!(sync.is_covered_by(Duration::from_secs(10)) && !sync.is_covered_by(Duration::from_secs(9)));
        assert!(FileSync::Always.is_covered_by(Duration::ZERO));
        let text = sync.to_string();
        assert!(text.contains("may lose the messages of the last 1s") && text.contains("for 10s or longer"), "{text}");
    }
}
