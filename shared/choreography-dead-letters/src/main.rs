//! Finds, shows and repairs what died, with the administrator's rights.

mod arguments;
mod connection;
mod moment;
mod output;
mod progress;
mod repair;
mod repaired;
mod row;
mod see;
mod selection;
mod show;
mod shown;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use choreography::dead_letters::RepairRequest;

use arguments::{Arguments, Command};
use output::Output;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::read();
    match run(&arguments).await.and_then(|output| output.write(arguments.json)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("dead-letters: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<Output> {
    let client = connection::connect(&arguments.server).await?;
    let typed = &arguments.typed;
    match &arguments.command {
        Command::List(list) => see::list(&client, list, typed).await,
        Command::Groups(seen) => see::groups(&client, seen, typed).await,
        Command::Show { sequence } => show::show(&client, *sequence, typed).await,
        Command::Replay(replay) => {
            repair::repair(&client, RepairRequest::Replay, &replay.dead_letters.filter(), &replay.pace, typed).await
        }
        Command::Drop(drop) => {
            let request = RepairRequest::Drop { why: drop.reason.clone() };
            repair::repair(&client, request, &drop.dead_letters.filter(), &drop.pace, typed).await
        }
    }
}
