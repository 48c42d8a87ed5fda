//! What happens, and for how long, as `make chaos ARGS="…"` says it.

use std::path::PathBuf;

use clap::Parser;

use super::fault::Kind;

/// The longest run, in minutes: more is a mistake in writing.
const MINUTES_MAX: f64 = 24.0 * 60.0;

/// What happens, and for how long.
#[derive(Debug, Clone, Parser)]
#[command(about = "Lets faults happen to the whole shop under load, and checks that every order ends as it must")]
pub struct Options {
    /// For how many minutes customers come and faults happen
    #[arg(long, default_value_t = 1.0, value_parser = minutes)]
    pub minutes: f64,
    /// Customers a second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
    /// Decides the faults and what customers want; another one each time if it is left out
    #[arg(long)]
    pub seed: Option<u64>,
    /// Only faults of these kinds
    #[arg(long, value_delimiter = ',', default_values_t = Kind::ALL)]
    pub only: Vec<Kind>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    /// The directory to which the processes' logs are copied at the end
    #[arg(long)]
    pub logs: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<f64, &'static str> {
    text.parse()
        .ok()
        .filter(|minutes| *minutes > 0.0 && *minutes <= MINUTES_MAX)
        .ok_or("write minutes, up to a day of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_in_which_nothing_would_happen_are_refused() {
        for arguments in ["--rate 0", "--minutes 0", "--minutes -1", "--minutes nan", "--minutes inf", "--only storm"] {
            let options = Options::try_parse_from(["chaos"].into_iter().chain(arguments.split(' ')));
            assert!(options.is_err(), "{arguments}");
        }
        assert!(Options::try_parse_from(["chaos", "--minutes", "0.5", "--rate", "300"]).is_ok());
    }
}
