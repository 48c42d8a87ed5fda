//! The targets under libFuzzer: it sees which branches of the code an input takes, keeps the inputs that take new ones,
//! and makes the next inputs from those. [`fuzz`] says what a target is.
//!
//! A process runs one target, which `FUZZ_TARGET` names, with libFuzzer's options as arguments (`-help=1`). Without
//! that name it runs the targets one after another, each in a process of its own, for `FUZZ_SECONDS`; with arguments only
//! those whose names contain one of them.
#![no_main]

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::process::{Command, exit};
use std::{env, fs};

use libfuzzer_sys::fuzz_target;

#[path = "main.rs"]
mod fuzz;

use fuzz::*;

use again::again;
use limits::{BYTES_MAX, INPUT_TIME_MAX, time};
use target::{Started, Target};

/// Where the inputs that are kept are (`corpus`), and those that fail (`failing`).
const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/libfuzzer");

thread_local! {
    /// The target that this process runs. It is never dropped: where a process ends, a runtime can't be stopped any more.
    static STARTED: ManuallyDrop<RefCell<Box<dyn Started>>> = ManuallyDrop::new(RefCell::new((named().start)()));
}

fuzz_target!(init: begin(), |bytes: &[u8]| check(bytes));

/// Prepares the run of a target; or runs the targets and ends the process, when none is named.
fn begin() {
    if env::var_os("FUZZ_TARGET").is_some() {
        return STARTED.with(|_| ());
    }
    let failures = run_each();
    failures.iter().for_each(|failure| eprintln!("{failure}"));
    exit(i32::from(!failures.is_empty()))
}

/// Checks an input. A panic ends the process, and libFuzzer writes the input into a file.
fn check(bytes: &[u8]) {
    STARTED.with(|started| {
        let mut started = started.borrow_mut();
        if let Some(reason) = started.fails(bytes) {
            panic!("{reason}\n{}", started.show(bytes));
        }
    });
}

/// Returns the target that `FUZZ_TARGET` names.
fn named() -> &'static Target {
    let name = env::var("FUZZ_TARGET").unwrap_or_default();
    let named = TARGETS.iter().find(|target| target.name == name);
    named.unwrap_or_else(|| refuse(&format!("FUZZ_TARGET is not the name of a target: {name}")))
}

/// Ends the process, and says which names there are.
fn refuse(reason: &str) -> ! {
    eprintln!("{reason}\nthe targets:");
    TARGETS.iter().for_each(|target| eprintln!("  {}", target.name));
    exit(2)
}

/// Runs targets one after another. Returns how some of them failed.
fn run_each() -> Vec<String> {
    let parts: Vec<String> = env::args().skip(1).collect();
    let is_chosen = |target: &&Target| parts.is_empty() || parts.iter().any(|part| target.name.contains(part));
    let chosen: Vec<&Target> = TARGETS.iter().filter(is_chosen).collect();
    if chosen.is_empty() {
        refuse(&format!("no target's name contains {}", parts.join(" or ")));
    }
    chosen.into_iter().filter_map(run).collect()
}

/// Runs a target in a process of its own. Returns how it failed, if it did.
fn run(target: &Target) -> Option<String> {
    let seconds = time().as_secs();
    let within = |part: &str| Path::new(DIRECTORY).join(part).join(target.name);
    let (corpus, failing, temporary) = (within("corpus"), within("failing"), within("temporary"));
    // An earlier run may have left something.
    _ = fs::remove_file(&failing);
    _ = fs::remove_dir_all(&temporary);
    for directory in [&corpus, &temporary, &Path::new(DIRECTORY).join("failing")] {
        fs::create_dir_all(directory).expect("a directory can be made");
    }
    eprintln!("{}", target.name);
    let status = Command::new(env::current_exe().expect("the program is a file"))
        .env("FUZZ_TARGET", target.name)
        .env("TMPDIR", &temporary)
        .arg(format!("-max_len={BYTES_MAX}"))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={}", INPUT_TIME_MAX.as_secs()))
        .arg(format!("-report_slow_units={}", INPUT_TIME_MAX.as_secs()))
        .arg(format!("-exact_artifact_path={}", failing.display()))
        // Not from short to long: when no byte is left, each choice is the first one.
        .arg("-len_control=0")
        .args(["-print_final_stats=1", "-print_funcs=0"])
        .arg(corpus)
        .status()
        .expect("the program can be started");
    // The process ends without deleting its files.
    _ = fs::remove_dir_all(&temporary);
    if status.success() {
        return None;
    }
    let again = fs::read(&failing).map(|input| again(target.name, &input)).unwrap_or_default();
    Some(format!("{} failed: {status}\n{again}", target.name))
}
