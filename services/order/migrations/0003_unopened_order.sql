-- Orders that were cancelled before they were opened.
create table unopened_order (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
