//! The statements that write numbers: the ranges that were received, and the highest numbers that were given.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::columns::bind_envelope;
use super::statement::{PUT_BACK_WHERE, Script, Writer};
use super::write::{SKIP_NULLS, list};
use crate::store::{NewOutboxRow, RangeChanges, SeriesId};
use crate::wire::envelope::Envelope;

/// A table of ranges.
#[derive(Debug, Clone, Copy)]
pub(super) enum Table {
    /// The received numbers, at this moment.
    Received(i64),
    /// The numbers that were reported lost.
    Reported,
}

/// Writes changes of ranges.
pub(super) async fn ranges(writer: &mut Writer<'_>, table: Table, changes: RangeChanges) -> Result<(), sqlx::Error> {
    let name = match table {
        Table::Received(_) => "received",
        Table::Reported => "reported",
    };
    // Ranges rarely merge. One by one, because SQLite would scan the whole table for a list of tuples.
    for (series, first) in changes.remove {
        let text = format!("delete from {name} where publisher = ? and outbox = ? and kind = ? and first = ?");
        bind_series(writer.script().add(&text), series).bind(first.cast_signed());
    }
    let (columns, tuple) = match table {
        Table::Received(_) => (", at_ms", "(?,?,?,?,?,?)"),
        Table::Reported => ("", "(?,?,?,?,?)"),
    };
    let before =
        format!("insert or replace into {name} (publisher, outbox, kind, first, last{columns}) select * from (values ");
    let inserted = writer.list(list(&before, tuple, SKIP_NULLS), changes.put, |script, put| {
        let script = bind_series(script, put.series);
        script.bind(put.range.first.cast_signed()).bind(put.range.last.cast_signed());
        if let Table::Received(at_ms) = table {
            script.bind(at_ms);
        }
    });
    inserted.await
}

fn bind_series(script: &mut Script, series: SeriesId) -> &mut Script {
    script.bind(series.publisher).bind(series.outbox.as_bytes().to_vec()).bind(series.kind)
}

/// Checks that the numbers of rows follow the highest stored ones, and raises those.
pub(super) async fn given(writer: &mut Writer<'_>, at_ms: i64, rows: &[NewOutboxRow]) -> Result<(), sqlx::Error> {
    let mut given: BTreeMap<(Uuid, &Arc<str>), (u64, u64)> = BTreeMap::new();
    for NewOutboxRow { name, .. } in rows {
        given.entry((name.outbox, &name.kind)).or_insert((name.number - 1, 0)).1 = name.number;
    }
    let given: Vec<_> = given.into_iter().collect();
    let before = format!("{PUT_BACK_WHERE} exists (select 1 from (values ");
    let after = ") left join given on outbox = column1 and kind = column2 where coalesce(last, 0) <> column3)";
    let checked =
        writer.list(list(&before, "(?,?,?)", after), given.clone(), |script, ((outbox, kind), (before, _))| {
            script.bind(outbox.as_bytes().to_vec()).bind(kind.clone()).bind(before.cast_signed());
        });
    checked.await?;
    let before = "insert or replace into given (outbox, kind, last, at_ms) select * from (values ";
    let raised = writer.list(list(before, "(?,?,?,?)", SKIP_NULLS), given, |script, ((outbox, kind), (_, last))| {
        script.bind(outbox.as_bytes().to_vec()).bind(kind.clone()).bind(last.cast_signed()).bind(at_ms);
    });
    raised.await
}

/// Makes rows placeholders.
pub(super) async fn placeholders(
    writer: &mut Writer<'_>,
    placeholders: Vec<(i64, Envelope)>,
) -> Result<(), sqlx::Error> {
    for (number, envelope) in placeholders {
        let script = writer.script();
        script.add(
            "update outbox set subject = ?, headers = ?, payload = ?, placeholder = true, id = null where number = ?",
        );
        bind_envelope(script, envelope);
        script.bind(number);
    }
    Ok(())
}
