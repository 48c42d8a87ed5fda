//! Lists, shows, replays and drops dead letters, with an operator's permissions.

mod arguments;
mod connection;
mod invocation;
mod list;
mod moment;
mod output;
mod progress;
mod repair;
mod report;
mod report_row;
mod selection;
mod show;
mod table;
mod view;

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
    let invocation = &arguments.invocation;
    match &arguments.command {
        Command::List(list) => list::list(&client, list, invocation).await,
        Command::Groups(selection) => list::groups(&client, selection, invocation).await,
        Command::Show { sequence } => show::show(&client, *sequence, invocation).await,
        Command::Replay(replay) => {
            let filter = replay.selection.filter();
            repair::repair(&client, RepairRequest::Replay, &filter, &replay.repair, invocation).await
        }
        Command::Drop(drop) => {
            let request = RepairRequest::Drop { reason: drop.reason.clone() };
            repair::repair(&client, request, &drop.selection.filter(), &drop.repair, invocation).await
        }
    }
}
