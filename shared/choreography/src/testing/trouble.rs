//! What can go wrong in a harness, by name.

/// What can go wrong in a [`Harness`](super::Harness), by name. What is lasting has a variant that ends it.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    /// The next commits of this service, this many, fail as if its disk were full.
    CommitsFail(&'static str, u32),
}
