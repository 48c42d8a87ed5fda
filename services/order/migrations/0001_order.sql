-- Orders, each in the story of its own id; listed by customer and by status.
create table orders (
    key text primary key not null,
    version bigint not null,
    state jsonb not null,
    customer_id text generated always as (state ->> 'customer_id') stored,
    status text generated always as (state ->> 'status') stored
);
create index orders_by_customer on orders (customer_id, key);
create index orders_by_status on orders (status, key);
