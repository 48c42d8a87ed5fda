-- The catalogue with what is on the shelf, and what each order holds of it.
create table stock (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);

create table reservation (
    key text primary key not null,
    version bigint not null,
    state jsonb not null
);
