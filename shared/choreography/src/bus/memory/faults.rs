//! The faults that a test can inject into a message server in memory.

use std::ops::RangeBounds;
use std::time::Duration;

use super::MemoryBus;
use super::consumer::Consumer;
use super::world::{StoredCopy, World};
use crate::bus::Stream;
use crate::wire::envelope::Envelope;

/// The switches by which a test injects faults into a message server in memory.
#[derive(Clone, Copy)]
pub struct BusFaults<'a> {
    pub(super) bus: &'a MemoryBus,
}

impl BusFaults<'_> {
    /// Restarts the server: it has another id, and every connection is lost.
    pub fn restart(self) {
        self.change(World::restart);
    }

    /// Restarts the server without what the stream of events has behind a sequence, as after a power cut.
    pub fn forget_after(self, sequence: u64) {
        self.lose(Stream::Events, sequence + 1..);
    }

    /// Restarts the server without these messages of a stream, as after damage to its files. At the end of the stream
    /// their sequences are given again; at its beginning the first sequence moves; in the middle there is a hole.
    pub fn lose(self, stream: Stream, sequences: impl RangeBounds<u64>) {
        self.change(|world| {
            world.lose(stream, &sequences);
            world.restart();
        });
    }

    /// Returns a copy of what the server has stored, as a backup of its files.
    pub fn copy(self) -> StoredCopy {
        self.bus.shared.world().copy()
    }

    /// Restarts the server with an older copy of what it has stored. New messages get stamps of their own.
    pub fn put_back(self, copy: &StoredCopy) {
        self.change(|world| world.put_back(copy));
    }

    /// Appends a message whose headers the client can't read to the stream that takes its subject.
    pub fn store_unreadable(self, envelope: &Envelope, problem: &str) {
        self.change(|world| world.store_unreadable(envelope, problem));
    }

    /// Removes the messages before the sequence from the stream of events, as an age limit does.
    pub fn forget_before(self, sequence: u64) {
        self.change(|world| world.forget_before(sequence));
    }

    /// Deletes the stream of events with its consumers and creates it again.
    pub fn recreate_stream(self) {
        self.change(World::recreate);
    }

    /// Loses every connection while the server keeps running.
    pub fn cut(self) {
        self.change(|world| world.cut("it was cut"));
    }

    /// Sets whether the server is down. When it goes down, every connection is lost.
    pub fn set_down(self, down: bool) {
        self.change(|world| {
            world.down = down;
            if down {
                world.cut("the server is down");
            }
        });
    }

    /// Lets the server store the next messages without acknowledging them.
    pub fn drop_acknowledgements(self, count: u64) {
        self.change(|world| world.dropped_acknowledgements = count);
    }

    /// Lets the server refuse every message for this reason, as without space on its disk; none ends it.
    pub fn refuse(self, reason: Option<&str>) {
        self.change(|world| world.refusal = reason.map(str::to_owned));
    }

    /// Lets the server refuse messages that have more bytes than this, as with another limit than planned.
    pub fn take_at_most(self, bytes: usize) {
        self.change(|world| world.message_bytes_max = bytes);
    }

    /// Lets the streams say that they have at most so many messages. They keep more: only how full they are changes.
    pub fn say_messages_max(self, messages: Option<u64>) {
        self.change(|world| world.messages_max = messages);
    }

    /// Lets the streams say that they have settings which are not as planned; none ends it.
    pub fn say_unsuitable(self, settings: Option<&str>) {
        self.change(|world| world.unsuitable = settings.map(str::to_owned));
    }

    /// Lets a consumer send nothing for a reason, as "is paused until …"; none ends it.
    pub fn stop_consumer(self, consumer: &str, reason: Option<&str>) {
        self.change_consumer(consumer, |consumer| consumer.unsuitable = reason.map(str::to_owned));
    }

    /// Lets the server send the next message of a consumer twice.
    pub fn duplicate_next(self, consumer: &str) {
        self.change_consumer(consumer, |consumer| consumer.duplicates += 1);
    }

    /// Lets an abandoned pull of an earlier instance take every second one of the next messages, `count` in all.
    pub fn steal(self, consumer: &str, count: u64) {
        self.change_consumer(consumer, |consumer| consumer.stolen = count * 2);
    }

    /// Sets whether the server sends neither messages nor heartbeats.
    pub fn set_silent(self, silent: bool) {
        self.change(|world| world.silent = silent);
    }

    /// Sets how long each request, reply, delivery and acknowledgement takes to arrive.
    pub fn set_latency(self, latency: Duration) {
        self.change(|world| world.latency = latency);
    }

    fn change(self, change: impl FnOnce(&mut World)) {
        self.bus.shared.change(change);
    }

    fn change_consumer(self, name: &str, change: impl FnOnce(&mut Consumer)) {
        self.change(|world| {
            change(world.consumers.get_mut(name).unwrap_or_else(|| panic!("there is no consumer {name}")));
        });
    }
}
