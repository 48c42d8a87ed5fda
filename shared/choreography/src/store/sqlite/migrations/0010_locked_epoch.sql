-- The epoch whose leader had the lock of the file beside the database when it became the leader.
alter table head add column locked_epoch bigint not null default -1;
