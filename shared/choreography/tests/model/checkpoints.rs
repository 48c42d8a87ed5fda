//! Places in the stream that were seen, and where to go on when the stream may have lost something.
//!
//! One thing must hold: a sequence alone proves nothing, because the server gives lost sequences again. A place is a
//! sequence together with the server's time stamp of the message there.

/// A place in the stream: the message with this sequence had this stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Checkpoint {
    /// The stream's sequence; 0 is the place before the first message there ever was.
    pub sequence: u64,
    /// The server's stamp, unique for each stored message; 0 where no message was seen.
    pub stamp: u64,
    /// How many messages the stream lacked between its first and its last one at that time.
    pub deleted: u64,
}

/// What the server says about the stream, and a way to look at single messages.
pub(crate) trait StreamView {
    /// Returns when the stream was created.
    fn created(&self) -> u64;
    /// Returns the first sequence that is still stored.
    fn first_sequence(&self) -> u64;
    /// Returns how many messages are missing between the first and the last.
    fn deleted(&self) -> u64;
    /// Returns the stamp of the message at a sequence.
    fn stamp_at(&self, sequence: u64) -> Option<u64>;
}

/// The places that were reached before, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckpointHistory(Vec<Checkpoint>);

impl CheckpointHistory {
    /// Adds a place, unless it is the newest already.
    pub(crate) fn note(&mut self, checkpoint: Checkpoint) {
        if self.0.last().is_none_or(|last| (last.sequence, last.stamp) != (checkpoint.sequence, checkpoint.stamp)) {
            self.0.push(checkpoint);
        }
    }

    /// Returns the newest place that the stream still has.
    pub(crate) fn newest_there(&self, stream: &impl StreamView) -> Option<Checkpoint> {
        self.0.iter().rev().find(|checkpoint| is_there(**checkpoint, stream)).copied()
    }

    /// Returns where to go on when the stream lacks less than before: behind the newest place that it has and that was noted
    /// when it lacked no more than now, else behind the oldest one; but not before the stream's first message.
    pub(crate) fn before_holes(&self, stream: &impl StreamView) -> Option<Checkpoint> {
        let lacked_less = |checkpoint: &&Checkpoint| checkpoint.deleted <= stream.deleted();
        let newest = self.0.iter().rev().filter(lacked_less).find(|checkpoint| is_there(**checkpoint, stream));
        let beginning = stream.first_sequence() - 1;
        newest.or(self.0.first()).map(|found| match found.sequence < beginning {
            true => Checkpoint { sequence: beginning, stamp: 0, deleted: stream.deleted() },
            false => *found,
        })
    }

    /// Returns the oldest place after which everything is still stored that was stored then.
    pub(crate) fn oldest_there(&self, stream: &impl StreamView) -> Option<Checkpoint> {
        let is_complete = |checkpoint: &&Checkpoint| checkpoint.sequence + 1 >= stream.first_sequence();
        self.0.iter().filter(is_complete).find(|checkpoint| is_there(**checkpoint, stream)).copied()
    }

    /// Returns the newest place.
    pub(crate) fn newest(&self) -> Option<Checkpoint> {
        self.0.last().copied()
    }

    /// Removes the places after this one: what follows is read again.
    pub(crate) fn forget_after(&mut self, checkpoint: Checkpoint) {
        let kept = self.0.iter().position(|noted| *noted == checkpoint).map_or(0, |index| index + 1);
        self.0.truncate(kept);
    }
}

/// Whether the stream still has the message that was seen at this place.
///
/// A place before the first stored message can't be looked at; it counts as there while the stream is the same.
pub(crate) fn is_there(checkpoint: Checkpoint, stream: &impl StreamView) -> bool {
    checkpoint.sequence < stream.first_sequence() || stream.stamp_at(checkpoint.sequence) == Some(checkpoint.stamp)
}

/// Where a subscriber goes on reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Resume {
    /// After its position: the message there is the one that was read.
    GoOn,
    /// After an older checkpoint: the stream lost what came later. Numbers skip what is known.
    GoBack(Checkpoint),
    /// Nowhere, until an operator decides: what was not read is not there any more.
    Halt,
}

/// Decides where a subscriber goes on, on every new connection.
///
/// `created` is the stream that the position belongs to.
pub(crate) fn resume(
    position: Checkpoint,
    created: u64,
    history: &CheckpointHistory,
    stream: &impl StreamView,
) -> Resume {
    if stream.created() != created {
        return Resume::Halt;
    }
    let found = match is_there(position, stream) {
        true => Some(position),
        false => history.newest_there(stream),
    };
    match found {
        Some(found) if stream.first_sequence() > found.sequence + 1 => Resume::Halt,
        Some(found) if found == position => Resume::GoOn,
        Some(found) => Resume::GoBack(found),
        None => Resume::Halt,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A stream whose messages have the stamps given, from a first sequence on; 0 is a hole.
    struct Stamps(u64, &'static [u64]);

    impl StreamView for Stamps {
        fn created(&self) -> u64 {
            1
        }
        fn first_sequence(&self) -> u64 {
            self.0
        }
        fn deleted(&self) -> u64 {
            self.1.iter().filter(|stamp| **stamp == 0).count() as u64
        }
        fn stamp_at(&self, sequence: u64) -> Option<u64> {
            self.1.get(sequence.checked_sub(self.0)? as usize).copied().filter(|stamp| *stamp > 0)
        }
    }

    fn at(sequence: u64, stamp: u64) -> Checkpoint {
        Checkpoint { sequence, stamp, deleted: 0 }
    }

    #[test]
    fn reading_goes_on_goes_back_or_halts() {
        let mut history = CheckpointHistory::default();
        [at(0, 0), at(2, 12), at(4, 14)].into_iter().for_each(|checkpoint| history.note(checkpoint));
        let cases = [
            (Stamps(1, &[11, 12, 13, 14]), Resume::GoOn),
            (Stamps(1, &[11, 12, 13, 24]), Resume::GoBack(at(2, 12))),
            (Stamps(1, &[11, 12]), Resume::GoBack(at(2, 12))),
            (Stamps(1, &[21, 22, 23, 24]), Resume::GoBack(at(0, 0))),
            (Stamps(3, &[13, 24]), Resume::GoBack(at(2, 12))),
            (Stamps(5, &[15]), Resume::GoOn),
            (Stamps(6, &[16]), Resume::Halt),
        ];
        for (stream, expected) in cases {
            assert_eq!(resume(at(4, 14), 1, &history, &stream), expected, "{:?}", stream.1);
        }
        assert_eq!(resume(at(4, 14), 2, &history, &Stamps(1, &[11, 12, 13, 14])), Resume::Halt);
    }
}
