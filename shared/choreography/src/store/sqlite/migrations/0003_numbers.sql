-- Messages are numbered by their publishers, and the position in the stream has a history. Stamps are nanoseconds since
-- 1970.

alter table head add column position_stamp_ns bigint not null default 0;
alter table head add column stream_deleted bigint not null default 0;
alter table head add column halted text;
alter table head add column waits_changed bigint not null default 0;
alter table head add column outbox_published bigint not null default 0;
update head set outbox_published = coalesce((select min(number) from outbox), outbox_next) - 1;
alter table head add column service text not null default '';

-- The numbers that were received, by ranges: what lies between two ranges of a series is missing.
create table received (
    publisher text not null,
    outbox blob not null,
    kind text not null,
    first bigint not null,
    last bigint not null,
    at_ms bigint not null,
    primary key (publisher, outbox, kind, first)
) without rowid;

-- The numbers that were reported lost, until they come or an operator accepts the loss.
create table reported (
    publisher text not null,
    outbox blob not null,
    kind text not null,
    first bigint not null,
    last bigint not null,
    primary key (publisher, outbox, kind, first)
) without rowid;

-- Since when a kind is received.
create table subscriptions (
    publisher text not null,
    kind text not null,
    since_outbox blob not null,
    primary key (publisher, kind)
) without rowid;

-- The places that were reached in the stream, and those at or below which no kept outbox row is stored.
create table checkpoints (sequence integer primary key, stamp_ns bigint not null, deleted bigint not null);
create table floors (sequence integer primary key, stamp_ns bigint not null, deleted bigint not null);

-- Messages that died and were not repaired since.
create table dead (id blob primary key not null, tries bigint not null, at_ms bigint not null) without rowid;
create index dead_at on dead (at_ms);
insert into dead select id, dead_tries, at_ms from inbox where dead_tries is not null;

-- The highest number of each outbox and kind, and when it was given, or kept, last.
create table given (
    outbox blob not null,
    kind text not null,
    last bigint not null,
    at_ms bigint not null,
    primary key (outbox, kind)
) without rowid;

-- The outbox, the kind and the number identify a row in the stream; the column `number` is local. The id is that of an
-- adopted message, which must not be published again.
alter table outbox add column outbox blob not null default x'';
alter table outbox add column kind text not null default '';
alter table outbox add column kind_number bigint not null default 0;
alter table outbox add column placeholder boolean not null default false;
alter table outbox add column adopted boolean not null default false;
alter table outbox add column id blob;
create index outbox_adopted on outbox (id) where adopted;

-- Rows from before: an outbox of their own, a UUID of version 7 as those of processes, and numbers by kind.
update outbox set kind = case
    when subject like 'dead.%' then '*dead'
    when subject like 'handled.%' then '*handled'
    else substr(
        substr(subject, instr(subject, '.') + 1), 1, instr(substr(subject, instr(subject, '.') + 1) || '.', '.') - 1
    )
end;
create table migrated_outbox as select lower(
    printf('%012x', cast(unixepoch('subsec') * 1000 as integer)) || '7' || substr(hex(randomblob(2)), 2)
    || '8' || substr(hex(randomblob(2)), 2) || hex(randomblob(6))
) as digits;
update outbox set outbox = unhex(digits), kind_number = place, headers = headers
    || 'ce-outbox:' || substr(digits, 1, 8) || '-' || substr(digits, 9, 4) || '-' || substr(digits, 13, 4) || '-'
    || substr(digits, 17, 4) || '-' || substr(digits, 21) || char(10) || 'ce-number:' || place || char(10)
from migrated_outbox, (
    select number as numbered, row_number() over (partition by kind order by number) as place from outbox
)
where number = numbered;
drop table migrated_outbox;
insert into given
    select outbox, kind, max(kind_number), cast(unixepoch('subsec') * 1000 as integer) from outbox group by outbox, kind;
