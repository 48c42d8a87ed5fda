//! Lets faults happen to the whole shop under load, and checks that every order ends as it must. Exits with 1 if
//! something does not hold.

use std::process::ExitCode;

use clap::Parser;
use shop_tests::chaos::{Options, run};

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let report = run(&options)?;
    match options.json {
        true => println!("{}", serde_json::to_string_pretty(&report)?),
        false => print!("{report}"),
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
