-- The messages and effects that were tried by themselves when the process crashed, and how often it has. Those with a slot
-- are tried now: a message and an effect may be at the same time. (The columns `trying` and `deaths` of `run` are of
-- versions before this.)
create table suspects (id blob primary key not null, deaths bigint not null, slot text unique) without rowid;
