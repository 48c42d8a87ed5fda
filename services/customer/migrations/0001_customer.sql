-- The customers' profiles.
create table customers (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
