-- Orders are listed by the time at which they were opened: an order that a client gave its id does not sort by it.
-- In milliseconds, so that all texts are of one length and sort by time. (SQLite adds no stored column to a table.)
alter table orders
    add column created_at text generated always as (strftime('%Y-%m-%dT%H:%M:%f', state ->> 'created_at')) virtual;
create index orders_by_creation on orders (created_at, key);
create index orders_of_status_by_creation on orders (status, created_at, key);
-- The last: of two indexes that fit alike, SQLite takes this one for orders of one customer and one status, who has few.
create index orders_of_customer_by_creation on orders (customer_id, created_at, key);
drop index orders_by_customer;
drop index orders_by_status;
