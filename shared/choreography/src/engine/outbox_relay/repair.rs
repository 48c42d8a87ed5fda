//! The repair at the beginning of a connection: compares the rows that the database keeps with what the streams have.
//!
//! What must hold: a row is recognized in a stream by its outbox, kind and number. Exactly the kept rows that the streams
//! lack are published again, and what the database does not know of its own messages is adopted.

use hashbrown::{HashMap, HashSet};
use jiff::Timestamp;
use uuid::Uuid;

use super::error::RelayError;
use super::noted::{NotedRows, noted};
use super::published::{PublishedRows, SentRow, stream_of};
use super::settled::{SeriesIndex, SettledNumbers};
use super::unknown::Unknown;
use crate::bus::{Connection, Stream};
use crate::clock::Clock;
use crate::planted::{PlantedBug, planted};
use crate::settings::WINDOW_MAX;
use crate::store::{Head, NewOutboxRow, OutboxRow, Repair, RowName, Store};
use crate::wire::envelope::Envelope;
use crate::wire::series::{MessageNumber, is_of_command, is_placeholder, kind_of, outgoing_id, placeholder};

/// The largest number of own messages that are listed at once, about a megabyte.
const LISTED_AT_ONCE: usize = 1_024;
/// The largest number of messages that are adopted in one commit, about 10 MB.
const ADOPTED_AT_ONCE: usize = 10_000;

/// Repairs the outbox of the leader.
pub(super) struct OutboxRepair<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) connection: &'a dyn Connection,
    pub(super) clock: &'a Clock,
    pub(super) epoch: i64,
    pub(super) service: &'a str,
}

/// A row that the database keeps.
struct KeptRow {
    sent: SentRow,
    is_adopted: bool,
    is_placeholder: bool,
    /// By what its message is recognized when it is made again; nil while the database has no adopted row.
    id: Uuid,
    /// Where the stream has it.
    found: Option<u64>,
}

impl KeptRow {
    /// Returns where the stream has the row. A placeholder of a dead letter is not published, because nobody counts the
    /// numbers of dead letters.
    fn place(&self) -> Option<u64> {
        let is_not_published = self.is_placeholder && self.sent.stream == Stream::DeadLetters;
        self.found.or(is_not_published.then_some(0))
    }

    /// Records that a stream has the row at a place.
    fn note_stored(&self, place: u64, published: &mut PublishedRows, now: Timestamp) {
        match self.is_adopted {
            true => published.stored_and_adopted(self.sent, place),
            false => published.stored(self.sent, place, now),
        }
    }
}

/// Everything that the database keeps, and what was found of it.
struct Kept {
    rows: Vec<KeptRow>,
    by_number: HashMap<(SeriesIndex, u64), usize>,
    settled: SettledNumbers,
    /// The local number of the first row.
    first: i64,
    /// Rows that are not among `rows`, because the streams have them.
    noted: NotedRows,
    /// The local number behind the last row.
    end: i64,
}

impl OutboxRepair<'_> {
    /// Repairs the outbox. Returns which rows are published: all others are to be published, in the order of their local
    /// numbers.
    pub(super) async fn run(&self) -> Result<PublishedRows, RelayError> {
        loop {
            let head = self.store.head().await?;
            let floor = self.floor(&head).await?;
            let noted = noted(self.store, self.connection, &head, floor).await?;
            let mut kept = self.kept(&head, noted).await?;
            let mut unknown = Unknown::default();
            self.list(Stream::Events, floor, &mut kept, &mut unknown).await?;
            self.list(Stream::DeadLetters, 0, &mut kept, &mut unknown).await?;
            self.adopt(&mut unknown, floor).await?;
            if unknown.known.is_empty() || planted(PlantedBug::AdoptionOmitted) {
                self.put_placeholders(&kept, floor).await?;
                let last = self.connection.stream(Stream::Events).await?.last;
                return Ok(kept.published(last, self.clock.now()));
            }
            // Now the database knows them.
        }
    }

    /// Reads the rows that the database keeps, but for those that need not be looked for.
    async fn kept(&self, head: &Head, noted: NotedRows) -> Result<Kept, RelayError> {
        // What is given first: a number that is not given by then belongs to a later row.
        let settled = SettledNumbers::given(self.store.given().await?);
        let first = self.store.outbox(0, 1).await?.first().map_or(i64::MAX, |row| row.number);
        let (by_number, end) = (HashMap::new(), head.outbox_next);
        let mut kept = Kept { rows: Vec::new(), by_number, settled, first, noted, end };
        let limit = u32::try_from(WINDOW_MAX).unwrap_or(u32::MAX);
        let mut from = noted.next_row(0);
        loop {
            let page = self.store.outbox(from, limit).await?;
            let Some(last) = page.last() else { return Ok(kept) };
            from = noted.next_row(last.number + 1);
            kept.end = kept.end.max(from);
            page.iter().filter(|row| !noted.has_row(row.number)).for_each(|row| kept.add(row, head.has_adopted));
        }
    }

    /// Returns the newest floor that the stream of events still has: no kept row is stored at or below it.
    async fn floor(&self, head: &Head) -> Result<u64, RelayError> {
        let stream = self.connection.stream(Stream::Events).await?;
        if !head.stream_created.is_empty() && head.stream_created != stream.created {
            return Ok(0);
        }
        for floor in self.store.floors().await? {
            let is_there = floor.sequence < stream.first
                || self.connection.stamp_at(Stream::Events, floor.sequence).await? == Some(floor.stamp_ns);
            if is_there {
                return Ok(floor.sequence);
            }
        }
        Ok(0)
    }

    /// Lists the own messages behind a place: finds kept rows, and messages that the database does not know.
    async fn list(&self, stream: Stream, floor: u64, kept: &mut Kept, unknown: &mut Unknown) -> Result<(), RelayError> {
        let noted = kept.noted;
        let next = |place: u64| match stream {
            Stream::Events => noted.next_place(place),
            Stream::DeadLetters => place.max(noted.before.dead_letters.sequence),
        };
        let mut after = next(floor);
        loop {
            let listed = self.connection.own_messages(stream, self.service, after, LISTED_AT_ONCE).await?;
            let Some(last) = listed.last() else { return Ok(()) };
            after = next(last.sequence);
            for stored in listed {
                kept.find(stored.sequence, stored.envelope, unknown);
            }
            if unknown.rows.len() >= ADOPTED_AT_ONCE {
                self.adopt(unknown, floor).await?;
            }
        }
    }

    /// Makes messages that the database does not know published rows. It is asked once more: while the streams were
    /// listed, an instance that leads no more may have committed a row and published it.
    async fn adopt(&self, unknown: &mut Unknown, floor: u64) -> Result<(), RelayError> {
        if !unknown.rows.is_empty() {
            unknown.leave_out(&self.store.given().await?);
        }
        if unknown.rows.is_empty() || planted(PlantedBug::AdoptionOmitted) {
            return Ok(());
        }
        let count = unknown.rows.len();
        tracing::warn!(
            count,
            "the stream has messages that the database does not know, because it was put back to an older copy: they \
             are adopted, and not published again"
        );
        let (now_ms, adopt) = (self.clock.now().as_millisecond(), unknown.take());
        let of_commands = adopt.iter().map(|row| &row.envelope).filter(|envelope| is_of_command(envelope));
        let of_commands = of_commands.map(outgoing_id).collect();
        let repair = Repair { now_ms, adopt, of_commands, floor, ..Repair::default() };
        self.store.repair(self.epoch, repair).await?;
        Ok(())
    }

    /// Replaces the rows whose message the stream has under another number by placeholders, and deletes the floors that
    /// the stream has lost.
    async fn put_placeholders(&self, kept: &Kept, floor: u64) -> Result<(), RelayError> {
        let mut placeholders = Vec::new();
        for row in kept.repeated() {
            let found = self.store.outbox(row, 1).await?;
            placeholders.extend(found.iter().map(|row| (row.number, placeholder(&row.envelope))));
        }
        let is_lost = self.store.floors().await?.first().is_some_and(|newest| newest.sequence > floor);
        if is_lost || !placeholders.is_empty() {
            let repair = Repair { now_ms: self.clock.now().as_millisecond(), placeholders, floor, ..Repair::default() };
            self.store.repair(self.epoch, repair).await?;
        }
        Ok(())
    }
}

impl Kept {
    fn add(&mut self, row: &OutboxRow, with_id: bool) {
        let RowName { outbox, kind, number } = &row.name;
        let series = self.settled.index(*outbox, kind);
        let stream = stream_of(&row.envelope.subject);
        self.by_number.insert((series, *number), self.rows.len());
        self.rows.push(KeptRow {
            sent: SentRow { row: row.number, stream, series, number: *number },
            is_adopted: row.adopted,
            is_placeholder: row.placeholder,
            id: if with_id { outgoing_id(&row.envelope) } else { Uuid::nil() },
            found: None,
        });
    }

    /// Takes an own message of a stream: of several copies, the first one counts. One without a number is none of the
    /// outbox: an operator has published it again.
    fn find(&mut self, sequence: u64, envelope: Envelope, unknown: &mut Unknown) {
        let Some(MessageNumber { outbox, number }) = MessageNumber::of(&envelope) else { return };
        let series = self.settled.index(outbox, kind_of(&envelope.subject));
        if let Some(index) = self.by_number.get(&(series, number)) {
            self.rows[*index].found.get_or_insert(sequence);
        } else if !self.settled.knows(series, number) && unknown.known.insert((series, number)) {
            let name = RowName { outbox, kind: kind_of(&envelope.subject).into(), number };
            let placeholder = is_placeholder(&envelope);
            unknown.rows.push(NewOutboxRow { name, envelope, placeholder });
        }
    }

    /// Returns the rows, by local number, that no stream has, but whose message one has under another number.
    fn repeated(&self) -> Vec<i64> {
        let adopted = self.rows.iter().filter(|row| row.is_adopted && !row.is_placeholder);
        let adopted: HashSet<Uuid> = adopted.map(|row| row.id).collect();
        let is_repeated =
            |row: &&KeptRow| !row.is_adopted && !row.is_placeholder && row.found.is_none() && adopted.contains(&row.id);
        self.rows.iter().filter(is_repeated).map(|row| row.sent.row).collect()
    }

    /// Returns which rows are published. `last` is where the stream of events ends.
    fn published(self, last: u64, now: Timestamp) -> PublishedRows {
        let mut published = PublishedRows::of(self.settled);
        published.stored_before(self.first, self.noted.before, last, now);
        let mut next = 1;
        for row in &self.rows {
            // What is not kept was published and forgotten.
            published.acknowledged.add_range(next, row.sent.row - 1);
            next = row.sent.row + 1;
            if row.place().is_none() {
                published.settled.lacks(row.sent.series, row.sent.number);
            }
        }
        if let Some(last) = self.rows.last().filter(|_| planted(PlantedBug::RepairSkipsLastRow)) {
            published.acknowledged.add(last.sent.row);
        }
        published.acknowledged.add_range(next, self.end - 1);
        // Each stream's rows in order; those that were not looked for, between those before them and those behind them.
        let mut stored: Vec<_> = self.rows.iter().filter_map(|row| Some((row.place()?, row))).collect();
        stored.sort_unstable_by_key(|(place, row)| (row.sent.stream == Stream::Events, *place));
        let (first, through) = self.noted.between.unwrap_or_default();
        let is_before =
            |(place, row): &(u64, &KeptRow)| row.sent.stream != Stream::Events || *place <= through.events.sequence;
        let behind = stored.split_off(stored.partition_point(is_before));
        stored.iter().for_each(|(place, row)| row.note_stored(*place, &mut published, now));
        published.stored_before(first.through + 1, through, last, now);
        behind.iter().for_each(|(place, row)| row.note_stored(*place, &mut published, now));
        published
    }
}
