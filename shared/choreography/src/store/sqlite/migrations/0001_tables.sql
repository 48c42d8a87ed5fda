-- The runtime's own tables in a service's database. Moments are milliseconds since 1970.
-- `if not exists`: databases from before these migrations were numbered have them already.

create table if not exists head (
    one integer primary key check (one = 1),
    epoch bigint not null,
    lease_until_ms bigint not null,
    position bigint not null,
    safe bigint not null,
    stream_created text not null,
    outbox_next bigint not null
);
insert or ignore into head values (1, 0, 0, 0, 0, '', 1);

-- The position at which the current run started, null between runs; the message that is processed by itself, and how
-- many processes have crashed on it.
create table if not exists run (
    one integer primary key check (one = 1),
    began_at bigint,
    trying blob,
    deaths bigint not null
);
insert or ignore into run values (1, null, null, 0);

create table if not exists inbox (
    id blob primary key not null,
    at_ms bigint not null,
    dead_tries bigint
) without rowid;
-- Dead messages are kept as long as their dead letters: each kind has an index of its own, so that finding the oldest of
-- one does not scan the other.
drop index if exists inbox_at;
create index if not exists inbox_alive on inbox (at_ms) where dead_tries is null;
create index if not exists inbox_dead on inbox (at_ms) where dead_tries is not null;

-- Compensations that died, until they are repaired, in the order in which they died.
create table if not exists dead_compensations (
    number integer primary key,
    id blob not null,
    subject text not null
);

create table if not exists outbox (
    number integer primary key,
    subject text not null,
    headers text not null,
    payload blob not null
);

-- The numbers are the order in which messages began to wait.
create table if not exists waiting (
    number integer primary key,
    id blob not null unique,
    row_table text not null,
    row_key text not null,
    expiry_ms bigint,
    subject text not null,
    headers text not null,
    payload blob not null
);
create index if not exists waiting_row on waiting (row_table, row_key);
create index if not exists waiting_expiry on waiting (expiry_ms) where expiry_ms is not null;

-- Messages that are due at the same moment are published in the order of their numbers.
create table if not exists scheduled (
    number integer primary key,
    name text not null,
    key text not null,
    due_ms bigint not null,
    subject text not null,
    headers text not null,
    payload blob not null,
    unique (name, key)
);
create index if not exists scheduled_due on scheduled (due_ms);

-- A number is never used twice: the task that runs effects remembers the last number that it has seen.
create table if not exists effects (
    number integer primary key autoincrement,
    key text not null,
    tries bigint not null,
    since_ms bigint not null,
    due_ms bigint not null,
    subject text not null,
    headers text not null,
    payload blob not null
);

create table if not exists idempotency_keys (
    route text not null,
    caller text not null,
    key text not null,
    body_hash text not null,
    reply text not null,
    at_ms bigint not null,
    unique (route, caller, key)
);
create index if not exists idempotency_keys_at on idempotency_keys (at_ms);
