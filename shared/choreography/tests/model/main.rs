//! How messages are published and read, as an executable specification: publishers, a service in the middle of a chain,
//! subscribers, one stream, and everything that a server, a network, a process and a database can lose.
//!
//! What decides is pure and small, and knows nothing of the world around it: [`numbers`] (is a message new, which numbers
//! are missing), [`checkpoints`] (where to go on reading), [`outbox`] (what to publish again). [`service`],
//! [`publishing`] and [`reading`] do what an instance does at each event; [`stream`] and [`database`] are what it talks
//! to; [`story`] makes up what happens, [`world`] lets it happen, [`check`] says what must hold afterwards.
//!
//! Each of the [`rules`] can be left out; [`claims`] names what goes wrong then. A story that fails is printed as short as
//! it still fails, with the variables that replay it.

mod campaign;
mod check;
mod checkpoints;
mod claims;
mod database;
mod message;
mod numbers;
mod outbox;
mod publishing;
mod random;
mod reading;
mod rules;
mod service;
mod services;
mod story;
mod stream;
mod world;
