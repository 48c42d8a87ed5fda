//! The limit of open files, and how many connections it leaves room for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files that are not connections of callers: the database's, those to the message and the mail server, the log,
/// mails that are being written. A service has some 40.
const OTHER_FILES_MAX: u64 = 128;

/// Raises the limit of open files as far as the system allows, and returns how many of the wanted connections fit.
pub(crate) fn room_for(wanted: usize) -> usize {
    let Some(limit) = raise() else { return wanted };
    let room = usize::try_from(room_within(limit)).unwrap_or(usize::MAX);
    if room < wanted {
        tracing::warn!(
            "of HTTP_CONNECTIONS_MAX={wanted} connections {room} fit into the limit of {limit} open files: raise it \
             (ulimit -Hn, or LimitNOFILE of systemd), or lower the setting"
        );
    }
    room.min(wanted)
}

/// Returns the limit after it was raised; none if there is no limit.
fn raise() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    if raised.is_ok() { limit.maximum } else { limit.current }
}

fn room_within(limit: u64) -> u64 {
    limit.saturating_sub(OTHER_FILES_MAX).max(limit / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        for (limit, room) in [(1_024, 896), (20_000, 19_872), (200, 100), (0, 0)] {
            assert_eq!(room_within(limit), room);
        }
        assert_eq!(room_for(1), 1);
    }
}
