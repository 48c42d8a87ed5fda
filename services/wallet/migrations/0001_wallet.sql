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
    customer_id text generated always as (state ->> 'customer_id') stored
);
create index operation_by_customer on operation (customer_id, key);

create table debit (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
