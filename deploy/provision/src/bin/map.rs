//! Prints the map of the shop's choreography: as a picture, as JSON, or as an AsyncAPI document.

use std::process::ExitCode;

use choreography::Map;
use clap::Parser;
use gateway::{asyncapi, shop};

/// Prints which service publishes what to whom, as a Mermaid flowchart. Ends with 1 if something is wrong with it, and says
/// what.
#[derive(Parser)]
struct Settings {
    /// Print every function and every message as JSON
    #[arg(long, conflicts_with = "asyncapi")]
    json: bool,
    /// Print an AsyncAPI 3.0 document, with the schemas of the messages
    #[arg(long)]
    asyncapi: bool,
}

fn main() -> ExitCode {
    let settings = Settings::parse();
    let map = Map::of(&shop());
    let text = match settings {
        Settings { json: true, .. } => map.to_json(),
        Settings { asyncapi: true, .. } => asyncapi(),
        Settings { .. } => map.to_mermaid(),
    };
    print!("{text}");
    let problems = map.problems();
    problems.iter().for_each(|problem| eprintln!("{problem}"));
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
