-- Each order's payment; found by its own id as well.
create table payment (
    key text primary key not null,
    version bigint not null,
    state jsonb not null,
    id text generated always as (state ->> 'id') stored
);
create unique index payment_id on payment (id);
