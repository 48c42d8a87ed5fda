-- Each order's delivery, and each zone with its dealers.
create table delivery (
    key text primary key not null,
    version bigint not null,
    state jsonb not null,
    id text generated always as (state ->> 'id') stored
);
create unique index delivery_id on delivery (id);

create table dealers (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
