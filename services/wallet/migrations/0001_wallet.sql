-- The customers' balances, every operation on them (listed by customer), and what was taken for each order.
create table wallet (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);

create table operation (
    key text primary key not null,
    version bigint not null,
    state jsonb not null,
    customer_id text generated always as (state ->> 'customer_id') stored,
    -- In milliseconds, so that all texts are of one length and sort by time.
    created_at text generated always as (strftime('%Y-%m-%dT%H:%M:%f', state ->> 'created_at')) stored
);
create index operation_of_customer_by_creation on operation (customer_id, created_at, key);

create table debit (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
