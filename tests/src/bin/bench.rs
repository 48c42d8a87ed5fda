//! The load generator: how many orders per second end on this machine, how long one takes, what it costs in CPU time,
//! and how that compares with what the server and its client do without any work.

use clap::Parser;
use shop_tests::bench::{Options, run};

fn main() -> anyhow::Result<()> {
    let report = run(&Options::parse())?;
    println!("{report}");
    Ok(())
}
