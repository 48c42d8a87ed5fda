//! The rules of the algorithm, each of which can be left out to see what breaks.

macro_rules! rules {
    ($($(#[doc = $doc:literal])+ $name:ident: $on:literal,)+) => {
        /// The rules that hold in a story.
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct Rules { $($(#[doc = $doc])+ pub $name: bool,)+ }

        impl Default for Rules {
            fn default() -> Self {
                Self { $($name: $on,)+ }
            }
        }

        impl Rules {
            /// The rules by name.
            pub(crate) const NAMES: &[&str] = &[$(stringify!($name),)+];

            /// Returns the rules with the named ones (`one+other`) turned over.
            pub(crate) fn turned(names: &str) -> Self {
                let mut rules = Self::default();
                for name in names.split('+').filter(|name| !name.is_empty()) {
                    match name {
                        $(stringify!($name) => rules.$name = !rules.$name,)+
                        _ => panic!("there is no rule {name}"),
                    }
                }
                rules
            }
        }
    };
}

rules! {
    /// A commit that carries messages is guarded by the leader's epoch.
    guard_by_epoch: true,
    /// A commit that carries messages is guarded by the position that its messages follow.
    guard_by_position: true,
    /// A message is processed only if its number was not received before.
    skip_known_numbers: true,
    /// A place in the stream is recognised by the stamp, not by the sequence alone.
    compare_stamps: true,
    /// A position that is gone makes reading go back to the newest checkpoint that is there.
    look_at_history: true,
    /// A subscriber halts when what it did not read is gone; otherwise it goes on with what is there.
    halt: true,
    /// A subscriber goes back when the stream lacks less than before: it was put back whole.
    go_back_when_less_is_lacking: true,
    /// Each start of an instance begins an outbox of its own.
    outbox_for_each_start: true,
    /// Published rows are kept for some minutes.
    keep_published_rows: true,
    /// A row is kept until reading has passed its own place in the stream.
    keep_rows_until_read: true,
    /// On each new connection the rows that the stream lacks are published again.
    repair: true,
    /// All kept rows are looked up; otherwise those acknowledged before a point that is still there count as stored.
    look_up_every_kept_row: true,
    /// If not all kept rows are looked up: unless the stream lacks messages in its middle.
    look_up_all_when_stream_lacks: true,
    /// The place from which on rows are looked up is compared by its stamp; if it is gone, an older one is used.
    compare_floor: true,
    /// Own messages that the database does not know become kept rows.
    adopt_unknown_messages: true,
    /// A row whose id the kept rows have is not made again.
    skip_known_ids: true,
    /// A row whose message the stream has under unknown numbers goes out as a placeholder.
    placeholder_for_repeated_row: true,
    /// A row that the server refuses goes out as a placeholder.
    placeholder_for_refused_row: true,
    /// A subscriber that publishes repairs before it reads.
    repair_before_reading: true,
    /// An outbox that began after a kind was taken up is expected to begin at 1.
    expect_first_number: true,
    /// Publishers note up to which number everything is published; without it no missing number is reported at all.
    note_published_numbers: true,
    /// A missing number is reported only if the publisher's note says that it was published.
    wait_for_note: true,
    /// A note counts only if it was written since the server was started last.
    note_of_same_start: true,
    /// A missing number is reported only when reading has passed what the note covers.
    read_up_to_note: true,
    /// Before numbers are reported, the stream is read once more from the oldest checkpoint on. Instead of
    /// `go_back_when_less_is_lacking`, at the price of reading everything again.
    look_back_before_reporting: false,
    /// A series is forgotten when the stream can't have a message of it any more.
    forget_old_series: true,
    /// A process ends itself when it sees the database older than before.
    end_when_database_is_older: true,
    /// A subscriber that takes up a kind expects nothing up to the numbers of the publisher's note.
    begin_after_note: true,
    /// Rows are sent over a connection that lives once: what is lost of it is its end.
    connection_lives_once: true,
}
