-- Both columns are positions in the stream: their names show it.
alter table head rename column safe to restart_position;
alter table run rename column began_at to start_position;
