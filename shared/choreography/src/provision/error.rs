//! The errors of provisioning.

/// The oldest server that can reset a consumer, which reading relies on.
pub(super) const OLDEST_SERVER: (i64, i64, i64) = (2, 14, 0);

/// Why the server could not be brought to a plan.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The server is too old.
    #[error(
        "nats-server is {version}; {}.{} or newer is needed, because readers reset their consumers with CONSUMER.RESET. \
         Upgrade it (https://github.com/nats-io/nats-server/releases) and provision again",
        OLDEST_SERVER.0,
        OLDEST_SERVER.1
    )]
    ServerTooOld {
        /// The server's version.
        version: String,
    },
    /// The server did not reply to a request.
    #[error("provisioning {resource}: requesting {subject} (is JetStream on, and may this user do it?)")]
    Request {
        /// The stream or consumer.
        resource: String,
        /// The subject of the request.
        subject: String,
        /// What failed.
        source: async_nats::RequestError,
    },
    /// The server's reply could not be read.
    #[error("provisioning {resource}: reading the reply to {subject}")]
    Reply {
        /// The stream or consumer.
        resource: String,
        /// The subject of the request.
        subject: String,
        /// What failed.
        source: serde_json::Error,
    },
    /// The server refused a request.
    #[error("provisioning {resource}: the server refuses to {action} it: {reason}")]
    Refused {
        /// The stream or consumer.
        resource: String,
        /// What it refuses: `show`, `create`, `resume`.
        action: &'static str,
        /// Its reason.
        reason: String,
    },
    /// The server has no room for a stream at its bound. It was not created or changed.
    #[error(
        "provisioning {resource}: the server has no room for its {bytes} bytes: {reason}. Let `max_file_store` of the server, \
         and `max_file` of the account, have room for all streams at their bounds (the default is three quarters of what is \
         free on the disk), or plan fewer bytes, and provision again"
    )]
    NoRoom {
        /// The stream.
        resource: String,
        /// How many bytes it may have by the plan.
        bytes: u64,
        /// The server's reason.
        reason: String,
    },
    /// A bound of a stream would be none for the server. Nothing was sent.
    #[error("provisioning {resource}: {field} can't be {bound}: plan 1 or more, up to {max}", max = i64::MAX)]
    NoBound {
        /// The stream.
        resource: String,
        /// The bound: `max_msgs` or `max_bytes`.
        field: &'static str,
        /// What is planned.
        bound: u64,
    },
    /// A stream has stored more than the plan lets it keep: the server would delete the oldest messages. Nothing was
    /// changed.
    #[error(
        "provisioning {resource}: it has stored {stored} ({field}), and the plan lets it keep {bound}: the server would delete \
         the oldest messages, which a service may not have read. Nothing was changed. Plan at least {stored}, or, once you \
         can do without those messages, lower the bound by hand (`nats stream edit`) and provision again"
    )]
    WouldDelete {
        /// The stream.
        resource: String,
        /// The bound: `max_msgs` or `max_bytes`.
        field: &'static str,
        /// What is planned.
        bound: u64,
        /// What the stream has.
        stored: u64,
    },
    /// A difference can't be changed in place. Nothing was changed.
    #[error(
        "provisioning {resource}: it differs in {differences}, which the server can't change in place: {reason}. Nothing was \
         changed. Either take the difference out of the plan, or, once you can do without what it holds, delete it by hand \
         (`nats stream rm` or `nats consumer rm`) and provision again"
    )]
    NotInPlace {
        /// The stream or consumer.
        resource: String,
        /// The fields, each with both values.
        differences: String,
        /// The server's reason.
        reason: String,
    },
    /// The server accepted a definition, and has another one.
    #[error("provisioning {resource}: the server accepted it, but it differs in {differences}")]
    Overruled {
        /// The stream or consumer.
        resource: String,
        /// The fields, each with both values.
        differences: String,
    },
    /// The server accepted a definition, and does not have it.
    #[error("provisioning {resource}: it is missing right after it was created")]
    Missing {
        /// The stream or consumer.
        resource: String,
    },
}
