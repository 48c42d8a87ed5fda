//! What is simulated, as `make sim ARGS="…"` says it.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use choreography::testing::Size;
use clap::Parser;

/// What is simulated.
#[derive(Debug, Clone, Parser)]
#[command(name = "sim", about = "Simulates the shop: orders, crashes and losses, drawn from seeds")]
pub(crate) struct Options {
    /// The seeds, from the first to the last: one story each
    #[arg(long, default_value = "1..8", value_parser = seeds, value_name = "FIRST..LAST")]
    pub(crate) seeds: RangeInclusive<u64>,
    /// One seed: its story is run, and shortened if something does not hold
    #[arg(long, conflicts_with = "seeds")]
    pub(crate) seed: Option<u64>,
    /// A file with a story, as it is written when something does not hold: it is run alone. A relative path begins at the
    /// repository's root
    #[arg(long, conflicts_with_all = ["seed", "seeds"])]
    pub(crate) story: Option<PathBuf>,
    /// How many orders a story has
    #[arg(long, default_value = "30", value_parser = at_least_one)]
    pub(crate) orders: usize,
    /// How often something goes wrong in a story
    #[arg(long, default_value_t = 4)]
    pub(crate) troubles: usize,
    /// How many stories run at the same time; as many as there are processors by default
    #[arg(long, value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
    /// How many runs are tried to shorten a story in which something does not hold
    #[arg(long, default_value_t = 200)]
    pub(crate) shortening_runs: usize,
}

impl Options {
    /// Returns the options that the environment variable `SIM` has: the arguments of a command line, one in each line, so
    /// that one may have blanks.
    pub(crate) fn of_environment() -> Self {
        let arguments = std::env::var("SIM").unwrap_or_default();
        Self::of_lines(&arguments).unwrap_or_else(|error| error.exit())
    }

    fn of_lines(arguments: &str) -> Result<Self, clap::Error> {
        Self::try_parse_from(std::iter::once("sim").chain(arguments.lines()))
    }

    /// Returns the first and the last seed.
    pub(crate) fn seeds(&self) -> RangeInclusive<u64> {
        self.seed.map_or(self.seeds.clone(), |seed| seed..=seed)
    }

    pub(crate) fn size(&self) -> Size {
        Size { actions: self.orders, troubles: self.troubles }
    }
}

/// Reads `1..100`, both included.
fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let number = |text: &str| text.trim_start_matches('=').parse::<u64>().ok();
    let seeds = text.split_once("..").and_then(|(first, last)| Some((number(first)?, number(last)?)));
    match seeds.ok_or("write the first and the last seed, as 1..100")? {
        (first, last) if first > last => Err(format!("there is no seed from {first} up to {last}")),
        (first, last) => Ok(first..=last),
    }
}

/// Reads a number of something without which nothing would be checked.
fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "write a number from 1".to_owned())
}

#[test]
fn options_by_which_nothing_would_be_simulated_are_refused() {
    for (arguments, advice) in [
        ("--seeds 5..1", "there is no seed from 5 up to 1"),
        ("--seeds 5", "write the first and the last seed, as 1..100"),
        ("--seeds 1..x", "write the first and the last seed, as 1..100"),
        ("--orders 0", "write a number from 1"),
        ("--threads 0", "write a number from 1"),
        ("--seed 3 --seeds 1..4", "cannot be used with"),
    ] {
        let error = Options::try_parse_from(["sim"].into_iter().chain(arguments.split(' '))).unwrap_err().to_string();
        assert!(error.contains(advice), "{error}");
    }
}

#[test]
fn an_argument_may_have_blanks() {
    let options = Options::of_lines("--story\nmy stories/seed 1.story\n--troubles\n7\n").unwrap();
    assert_eq!((options.story, options.troubles), (Some(PathBuf::from("my stories/seed 1.story")), 7));
}
