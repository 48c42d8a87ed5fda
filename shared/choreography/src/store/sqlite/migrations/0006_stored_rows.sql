-- Up to which local number the streams had every outbox row, and where: a repair need not look for those rows again.
alter table head add column stored_through bigint not null default 0;
alter table head add column stored_sequence bigint not null default 0;
alter table head add column stored_stamp_ns bigint not null default 0;
alter table head add column stored_dead_sequence bigint not null default 0;
alter table head add column stored_dead_stamp_ns bigint not null default 0;
alter table head add column stored_dead_first bigint not null default 0;
