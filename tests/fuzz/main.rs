//! Fuzzing of everything that parses what comes from outside.
//!
//! A target makes inputs that are nearly valid, and checks what must hold for each: it is read or refused, and nothing
//! panics; what is read is written so that it is read as the same. Random bytes alone would end at the first check of a
//! parser, so inputs are valid examples with a few changes. Bytes decide which changes; proptest makes them, and makes
//! those of a failing input smaller.
//!
//! `FUZZ_SECONDS` says how long each target runs. `FUZZ_INPUT` repeats one input of one target, as a failure names it.
//!
//! `make libfuzzer` has libFuzzer make the bytes. It sees which branches of the code an input takes, keeps the inputs
//! that take new ones in `target/libfuzzer/corpus`, and makes the next inputs from those, also in later runs. It needs a
//! C++ compiler, and builds everything once more, on stable, with counters of the branches. It is for long runs: with
//! the first 80,000 inputs of a target it took about as many branches as bytes that are drawn.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

pub(crate) mod again;
pub(crate) mod bytes;
pub(crate) mod damage;
pub(crate) mod draw;
pub(crate) mod envelope;
pub(crate) mod fake_server;
pub(crate) mod json;
pub(crate) mod limits;
pub(crate) mod panics;
pub(crate) mod request;
#[cfg(test)]
mod run;
pub(crate) mod shop;
pub(crate) mod target;
pub(crate) mod targets;
pub(crate) mod text;
#[cfg(test)]
mod watch;

#[cfg(test)]
use run::run;
use target::Target;
use targets::{database, door, engine, http, server, settings, stored, tokens, wire};

/// Makes a test of each target: its name, and what prepares a run of it. Without tests, a list of them.
macro_rules! targets {
    ($($name:ident: $start:path,)*) => {
        /// All targets.
        #[cfg(not(test))]
        pub(crate) const TARGETS: &[Target] = &[$(Target { name: stringify!($name), start: $start }),*];
        $(
            #[test]
            fn $name() {
                run(&Target { name: stringify!($name), start: $start });
            }
        )*
    };
}

targets! {
    headers_are_kept_as_they_were_in_their_order: wire::headers,
    a_heading_that_is_read_is_written_as_it_was: wire::heading,
    a_trace_is_valid_only_in_the_form_of_the_standard: wire::trace,
    a_message_that_is_read_is_written_as_it_was: stored::messages,
    a_row_that_is_read_is_written_as_it_was: stored::rows,
    a_service_goes_on_whatever_arrives: engine::goes_on,
    a_damaged_database_is_read_or_refused: database::damaged,
    every_request_has_an_answer: http::answers,
    every_visit_of_the_gateway_has_an_answer: door::visits,
    an_answer_of_the_server_is_read_or_refused: server::answers,
    a_text_is_read_or_refused: settings::texts,
    settings_are_read_or_refused: settings::flags,
    a_token_counts_only_as_it_was_signed: tokens::token,
    a_key_set_is_read_or_refused: tokens::keys,
    a_caller_counts_only_as_the_gateway_signed_it: tokens::handed_on,
}
