//! The whole shop in a simulated world: customers, crashes and losses, drawn from seeds.
//!
//! `make sim` runs more of it, and repeats a story in which something did not hold.
#![allow(clippy::unwrap_used, reason = "a test may fail")]
#![allow(clippy::disallowed_methods, reason = "how long a run takes is measured in real time")]

mod campaign;
mod checks;
mod deed;
mod losses;
mod options;
mod other_process;
mod people;
mod shop;
mod updates;

use options::Options;

// A message is a few hundred small allocations; mimalloc spends less on each than the system's allocator. It is linked in the
// place of `malloc`, which takes a shorter way than its `GlobalAlloc`, whose every call says an alignment.
use mimalloc as _;

#[test]
fn whatever_goes_wrong_every_order_ends_and_nothing_is_lost_or_done_twice() {
    match campaign::run(&Options::of_environment()) {
        Ok(report) => println!("{report}"),
        Err(report) => panic!("{report}"),
    }
}
