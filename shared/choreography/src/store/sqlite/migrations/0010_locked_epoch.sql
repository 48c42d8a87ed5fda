-- The last epoch whose leader has had the lock of the file beside the database.
alter table head add column locked_epoch bigint not null default -1;
