//! A short run of real crashes with a fixed seed; `make chaos` runs longer ones.
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]

use clap::Parser;
use shop_tests::chaos::{Options, run};

#[test]
fn every_order_ends_as_it_must_whatever_crashes() {
    let options = Options::parse_from(["chaos", "--minutes", "0.7", "--rate", "10", "--seed", "3"]);
    let report = run(&options).unwrap();
    println!("{report}");
    assert!(report.is_well(), "{report}");
    assert!(report.orders > 100 && report.faults.len() > 4, "too little has happened: {report}");
}
