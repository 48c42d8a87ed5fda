-- Orders that the gateway has accepted.
create table accepted_order (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
