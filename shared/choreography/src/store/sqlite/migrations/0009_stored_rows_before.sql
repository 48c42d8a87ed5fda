-- Up to which local number the streams had every outbox row, and where: as it was noted in the last minutes, so that after
-- the stream has lost its end, a repair looks only for the rows behind it. (The columns `stored_…` of `head` are of versions
-- before this.)
create table stored_rows (
    through integer primary key,
    sequence bigint not null,
    stamp_ns bigint not null,
    deleted bigint not null,
    dead_sequence bigint not null,
    dead_stamp_ns bigint not null,
    dead_deleted bigint not null,
    dead_first bigint not null
);
