//! What can go wrong in a harness, by name.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::effect_troubles::EffectTrouble;

/// What can go wrong in a [`Harness`](super::Harness), by name. What is lasting has a variant that ends it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Trouble {
    /// The message server can't be reached, until [`Trouble::ServerUp`].
    ServerDown,
    /// The message server can be reached again.
    ServerUp,
    /// The message server restarts: every connection is lost, nothing stored is.
    ServerRestarts,
    /// The message server restarts without the last messages of the stream of events, this many: it had not written them
    /// to its disk.
    ServerLoses(u64),
    /// The message server restarts without some messages in the middle of the stream of events: a block of its file was
    /// damaged.
    ServerLosesBlock {
        /// How many messages the stream keeps behind them.
        behind: u64,
        /// How many it loses.
        count: u64,
    },
    /// An operator makes a copy of what the message server has stored.
    ServerCopied,
    /// The message server restarts with the last copy of what it had stored; without a copy it only restarts.
    ServerPutBack,
    /// Each request, reply, delivery and acknowledgement takes so long to arrive, until the latency is zero again.
    ServerSlow(Duration),
    /// Every connection is lost; the server keeps running.
    ConnectionsLost,
    /// The messages before this sequence are removed from the stream of events, as an age limit does. A service that has
    /// not read them reads no further.
    FirstMessagesRemoved(u64),
    /// The stream of events is deleted with all messages and created again. The services read no further, until
    /// [`Trouble::StreamAccepted`].
    StreamRecreated,
    /// An operator lets a service read the stream from its beginning, as its log advises.
    StreamAccepted(&'static str),
    /// The server stores the next messages, this many, but their acknowledgements never arrive.
    AcknowledgementsLost(u64),
    /// The server refuses every message, as without space on its disk, until [`Trouble::PublishesAccepted`].
    PublishesRefused,
    /// The server takes messages again.
    PublishesAccepted,
    /// The server sends neither messages nor heartbeats, until [`Trouble::PullsAnswered`].
    PullsSilent,
    /// The server sends messages again.
    PullsAnswered,
    /// The server sends the next message of this service twice, to each of its instances.
    DeliveredTwice(&'static str),
    /// An abandoned pull of an earlier instance takes every second one of the next messages of this service, this many in
    /// all, from each of its instances.
    DeliveriesStolen(&'static str, u64),
    /// The next commits of this service, this many, fail as if its disk were full.
    CommitsFail(&'static str, u32),
    /// The next commits of this service, this many, find that another instance has changed their rows.
    CommitsConflict(&'static str, u32),
    /// The next commits of this service, this many, are written, and their answers are lost.
    CommitsUnanswered(&'static str, u32),
    /// Nothing can be written to the disk of this service's database, until [`Trouble::DiskFree`].
    DiskFull(&'static str),
    /// The disk of this service's database has room again.
    DiskFree(&'static str),
    /// An operator makes a copy of this service's database.
    DatabaseCopied(&'static str),
    /// This service's database is replaced by the last copy of it, while its instances run; without a copy nothing happens.
    DatabasePutBack(&'static str),
    /// The running instance of this service with the lowest number is killed after so many more steps. A step ends right
    /// before a call of the database or the message server, or right after it has taken effect.
    KilledAfter(&'static str, u64),
    /// The running instance of this service with the lowest number is stopped at its next call of the database or the
    /// message server, as by SIGSTOP, until [`Trouble::GoesOn`].
    Paused(&'static str),
    /// Stopped instances of this service go on where they were stopped.
    GoesOn(&'static str),
    /// The clock of the running instance of this service with the lowest number jumps, until [`Trouble::ClocksRight`].
    ClockWrong {
        /// The service.
        service: &'static str,
        /// By how many milliseconds it jumps.
        by_ms: i64,
        /// How many microseconds it gains each second from then on.
        gains_us: i64,
    },
    /// The clocks of this service's instances are right again.
    ClocksRight(&'static str),
    /// Something goes wrong around the effects of this service, until it is [`EffectTrouble::None`].
    Effects(&'static str, EffectTrouble),
}

impl Trouble {
    /// Returns the service that it names; none if it concerns the message server.
    pub(super) fn service(&self) -> Option<&'static str> {
        match self {
            Self::ServerDown
            | Self::ServerUp
            | Self::ServerRestarts
            | Self::ServerLoses(_)
            | Self::ServerLosesBlock { .. }
            | Self::ServerCopied
            | Self::ServerPutBack
            | Self::ServerSlow(_)
            | Self::ConnectionsLost
            | Self::FirstMessagesRemoved(_)
            | Self::StreamRecreated
            | Self::AcknowledgementsLost(_)
            | Self::PublishesRefused
            | Self::PublishesAccepted
            | Self::PullsSilent
            | Self::PullsAnswered => None,
            Self::StreamAccepted(service)
            | Self::DeliveredTwice(service)
            | Self::DeliveriesStolen(service, _)
            | Self::CommitsFail(service, _)
            | Self::CommitsConflict(service, _)
            | Self::CommitsUnanswered(service, _)
            | Self::DiskFull(service)
            | Self::DiskFree(service)
            | Self::DatabaseCopied(service)
            | Self::DatabasePutBack(service)
            | Self::KilledAfter(service, _)
            | Self::Paused(service)
            | Self::GoesOn(service)
            | Self::ClockWrong { service, .. }
            | Self::ClocksRight(service)
            | Self::Effects(service, _) => Some(service),
        }
    }
}
