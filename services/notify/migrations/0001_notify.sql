-- What each order's customer was told.
create table notifications (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
