create table draft (key text primary key not null, version bigint not null, state jsonb not null);
create table page (key text primary key not null, version bigint not null, state jsonb not null);
create table folder (key text primary key not null, version bigint not null, state jsonb not null);
