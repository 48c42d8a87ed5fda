//! Runs a target for a while.

use std::cell::RefCell;
use std::env;

use choreography::Clock;
use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

use crate::again::again;
use crate::limits::{BYTES_MAX, time};
use crate::target::Target;
use crate::watch::Watch;

/// How many inputs are checked between two looks at the time.
const INPUTS_AT_ONCE: u32 = 16;
/// For how long a failing input is made smaller at most, in milliseconds.
const SHRINK_MS_MAX: u32 = 20_000;

/// Runs a target for `FUZZ_SECONDS`, or with `FUZZ_INPUT`.
///
/// Without either the inputs are the same each time, so that a change is judged by its own faults; `FUZZ_SECONDS` draws
/// others.
///
/// # Panics
/// When an input fails: with the smallest one that still does.
pub(crate) fn run(target: &Target) {
    let started = RefCell::new((target.start)());
    if let Ok(input) = env::var("FUZZ_INPUT") {
        let bytes = read_hex(&input);
        println!("{}", started.borrow().show(&bytes));
        return started.borrow_mut().check(&bytes);
    }
    let config = Config {
        cases: INPUTS_AT_ONCE,
        failure_persistence: None,
        max_shrink_time: SHRINK_MS_MAX,
        ..Config::default()
    };
    let mut drawing = match env::var_os("FUZZ_SECONDS") {
        Some(_) => TestRunner::new(config.clone()),
        None => TestRunner::deterministic(),
    };
    let clock = Clock::system();
    let end = clock.now() + SignedDuration::try_from(time()).unwrap_or(SignedDuration::MAX);
    let watch = Watch::start(target.name);
    let mut inputs = 0_u64;
    while clock.now() < end {
        let mut runner = TestRunner::new_with_rng(config.clone(), drawing.new_rng());
        let checked = runner.run(&vec(any::<u8>(), 0..BYTES_MAX), |bytes| {
            watch.begin(&bytes);
            started.borrow_mut().fails(&bytes).map_or(Ok(()), |reason| Err(TestCaseError::fail(reason)))
        });
        match checked {
            Ok(()) => inputs += u64::from(INPUTS_AT_ONCE),
            Err(TestError::Fail(reason, bytes)) => {
                panic!("{reason}\n{}\n{}", started.borrow().show(&bytes), again(target.name, &bytes));
            }
            Err(TestError::Abort(reason)) => panic!("{reason}"),
        }
    }
    println!("{}: {inputs} inputs", target.name);
}

fn read_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|char| u8::try_from(char.to_digit(16)?).ok()).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
