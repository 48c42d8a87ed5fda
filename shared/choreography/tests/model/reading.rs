//! What the leader does as a subscriber: verify the position, read, commit, report what is missing.

use crate::checkpoints::{Checkpoint, Resume, StreamView, resume};
use crate::database::{NewRow, Processed, Subscription};
use crate::message::{Id, Kind, Message, Series, ServiceName};
use crate::numbers::Receipt;
use crate::outbox::RowName;
use crate::service::{Batch, Note, Service, Shared};

impl Service {
    /// Whether the instance may read: it leads, is connected, and knows where to go on.
    fn may_read(&mut self, instance: usize, shared: &mut Shared) -> bool {
        if !self.name.subscribes() || !self.connect(instance, shared) || self.database.head.halted {
            return false;
        }
        if !self.connection(instance).resumed {
            self.verify_position(shared);
            self.connection(instance).resumed = true;
        }
        if shared.rules.halt && shared.stream.first_sequence() > self.database.head.position.sequence + 1 {
            self.database.head.halted = true;
        }
        !self.database.head.halted
    }

    /// Finds out on a new connection where to go on, and commits it.
    fn verify_position(&mut self, shared: &Shared) {
        let (stream, rules) = (&shared.stream, &shared.rules);
        let was_lacking = std::mem::replace(&mut self.database.head.deleted, stream.deleted());
        let database = &mut self.database;
        let mut found = match rules.compare_stamps {
            true => resume(database.head.position, database.head.stream_created, &database.checkpoints, stream),
            false => Resume::GoOn,
        };
        if rules.go_back_when_less_is_lacking && stream.deleted() < was_lacking && found != Resume::Halt {
            found = database.checkpoints.before_holes(stream).map_or(found, Resume::GoBack);
        }
        match found {
            Resume::GoBack(checkpoint) if rules.look_at_history => self.go_back(checkpoint),
            Resume::Halt if rules.halt => self.database.head.halted = true,
            Resume::Halt => {
                self.database.head.stream_created = stream.created();
                self.go_back(Checkpoint { sequence: stream.first_sequence() - 1, ..Checkpoint::default() });
            }
            Resume::GoOn | Resume::GoBack(_) => {}
        }
    }

    fn go_back(&mut self, checkpoint: Checkpoint) {
        self.database.checkpoints.forget_after(checkpoint);
        self.database.checkpoints.note(checkpoint);
        self.database.head.position = checkpoint;
    }

    /// Goes on where an operator says: before the first message that is stamped later than what was read.
    pub(crate) fn go_on_after_halt(&mut self, shared: &Shared) {
        if std::mem::take(&mut self.database.head.halted) {
            self.database.head.stream_created = shared.stream.created();
            let checkpoint = shared.stream.before_stamp(self.database.head.position.stamp);
            let first = shared.stream.first_sequence() - 1;
            self.go_back(Checkpoint { sequence: checkpoint.sequence.max(first), ..checkpoint });
            (0..2).for_each(|instance| self.disconnect(instance));
        }
    }

    /// Reads up to `limit` messages into memory.
    pub(crate) fn read(&mut self, instance: usize, limit: usize, shared: &mut Shared) {
        if self.may_read(instance, shared) {
            let after = self.database.head.position;
            let messages = shared.stream.after(after.sequence, limit);
            self.instances[instance].batch = Some(Batch { after, messages });
        }
    }

    /// Commits what was read: rows, numbers, outbox and position, at once.
    pub(crate) fn commit(&mut self, instance: usize, shared: &mut Shared) {
        if self.instances[instance].paused || !self.exists {
            return;
        }
        let Some(batch) = self.instances[instance].batch.take() else { return };
        if !self.passes_guard(instance, shared) || self.database.head.halted {
            return;
        }
        let position = self.database.head.position;
        if shared.rules.guard_by_position
            && (position.sequence, position.stamp) != (batch.after.sequence, batch.after.stamp)
        {
            return self.step_down(instance);
        }
        for (message, place) in batch.messages {
            self.database.head.position = place;
            self.receive(instance, &message, shared);
        }
    }

    fn receive(&mut self, instance: usize, message: &Message, shared: &mut Shared) {
        if !self.database.subscriptions.contains_key(&message.series.kind) {
            return;
        }
        let name = (message.series, message.number);
        let expects_one = shared.rules.expect_first_number && self.database.expects_one(message.series);
        let receipt = self.database.received.receive(message.series, message.number, expects_one);
        self.database.received_at.insert(message.series, shared.stream.now);
        self.database.reported.remove(&name);
        let takes = receipt == Receipt::New || !shared.rules.skip_known_numbers;
        if takes && !message.placeholder {
            self.process(instance, message, shared);
        }
    }

    /// Does what the message asks for, and publishes what follows.
    fn process(&mut self, instance: usize, message: &Message, shared: &mut Shared) {
        let kind = message.series.kind;
        self.database.processed.push(Processed { id: message.id, kind, key: message.key });
        if self.name == ServiceName::Payment {
            let id = Id { derived: true, ..message.id };
            let row = NewRow { kind: Kind::PaymentCreated, id, key: message.key, refused: false };
            self.commit_row(instance, row, shared);
        }
    }

    /// Notes the committed position as a checkpoint.
    pub(crate) fn note_checkpoint(&mut self, instance: usize, shared: &mut Shared) {
        if self.may_read(instance, shared) {
            self.database.checkpoints.note(self.database.head.position);
        }
    }

    /// Reports numbers that were published and did not come.
    pub(crate) fn report_missing(&mut self, instance: usize, shared: &mut Shared) {
        if !self.may_read(instance, shared) {
            return;
        }
        if shared.rules.forget_old_series {
            self.forget_old_series(shared);
        }
        let missing = self.missing_numbers(shared);
        let is_new = missing.iter().any(|name| !self.database.reported.contains(name));
        if is_new && shared.rules.look_back_before_reporting && self.looks_back(instance, shared) {
            return;
        }
        missing.into_iter().for_each(|name| self.report(name, shared));
    }

    /// Returns the numbers that the publishers' notes say were published, and that did not come.
    fn missing_numbers(&self, shared: &Shared) -> Vec<RowName> {
        let mut names = Vec::new();
        for (series, published) in self.published_series(shared) {
            let expects_one = shared.rules.expect_first_number && self.database.expects_one(series);
            let limit = if shared.rules.wait_for_note { published } else { u64::MAX };
            let missing = self.database.received.missing(series, published, expects_one);
            let numbers = missing.into_iter().flat_map(|(first, last)| first..=last);
            names.extend(numbers.take_while(|number| *number <= limit).map(|number| (series, number)));
        }
        names
    }

    /// Goes back to the oldest checkpoint, once for each start of the server; returns whether it did.
    fn looks_back(&mut self, instance: usize, shared: &Shared) -> bool {
        let oldest = self.database.checkpoints.oldest_there(&shared.stream);
        let Some(oldest) = oldest.filter(|_| self.database.head.looked_back != shared.stream.starts) else {
            return false;
        };
        self.database.head.looked_back = shared.stream.starts;
        self.database.head.position = oldest;
        self.instances[instance].batch = None;
        true
    }

    /// Returns the series of the notes that count now, and up to which number they are published.
    fn published_series(&self, shared: &Shared) -> Vec<(Series, u64)> {
        let (rules, position) = (&shared.rules, self.database.head.position.sequence);
        let counts = |note: &&Note| {
            (!rules.note_of_same_start || note.start == shared.stream.starts)
                && (!rules.read_up_to_note || position >= note.up_to)
        };
        let noted = shared.notes.values().filter(counts).flat_map(|note| &note.published);
        let noted = noted.map(|(series, published)| (*series, *published));
        noted.filter(|(series, _)| self.database.subscriptions.contains_key(&series.kind)).collect()
    }

    fn forget_old_series(&mut self, shared: &Shared) {
        let Some(age_max) = shared.stream.age_max else { return };
        for (publisher, note) in shared.notes.iter().filter(|(_, note)| note.start == shared.stream.starts) {
            let since = note.at.saturating_sub(2 * age_max);
            self.database.forget_received(*publisher, &note.published, since);
        }
    }

    fn report(&mut self, name: RowName, shared: &mut Shared) {
        self.database.reported.insert(name);
        shared.reports.insert((self.name, name));
    }

    /// Takes a kind up: what was published before was not meant for this service.
    ///
    /// A note of the publisher that covers the position says exactly what that is; without one, whatever comes first
    /// after the position begins a series.
    pub(crate) fn subscribe(&mut self, kind: Kind, shared: &Shared) {
        if self.database.subscriptions.contains_key(&kind) {
            return;
        }
        let deployed_at = shared.stream.newest_stamp();
        let note = shared.notes.get(&kind.publisher()).filter(|note| {
            let covers = note.start == shared.stream.starts && note.up_to >= self.database.head.position.sequence;
            covers && shared.rules.begin_after_note
        });
        let since_outbox = if note.is_some() { 0 } else { shared.outboxes };
        self.database.subscriptions.insert(kind, Subscription { since_outbox, deployed_at });
        for (series, published) in
            note.into_iter().flat_map(|note| &note.published).filter(|(series, _)| series.kind == kind)
        {
            self.database.received.begin_after(*series, *published);
        }
    }
}
