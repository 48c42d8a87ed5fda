-- The mails to each order's customer.
create table notifications (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
