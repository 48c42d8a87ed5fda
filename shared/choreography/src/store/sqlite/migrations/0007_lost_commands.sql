-- How many messages of lost commands the stream has: the database was put back to a copy that is older than the commands.
create table lost_commands (
    kind text primary key not null,
    messages bigint not null
) without rowid;
