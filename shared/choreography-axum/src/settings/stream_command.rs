//! The command `stream` of every service's program: shows what the service knows about the stream that it reads, and lets
//! a halted one go on. It works while the service runs, and while it does not.

use choreography::bus::jetstream::{JetStreamBus, JetStreamOptions};
use choreography::recovery::{GoOn, Recovery, StreamReport};
use choreography::store::sqlite::SqliteStore;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::Failure;

/// The name of the command.
pub(super) const STREAM: &str = "stream";

/// Returns the command's description.
pub(super) fn command() -> Command {
    let resume = Arg::new("resume").long("resume").action(ArgAction::SetTrue);
    let from = Arg::new("from").long("from").requires("resume").value_name("SEQUENCE|first").value_parser(place);
    let accept = Arg::new("accept-lost").long("accept-lost").action(ArgAction::SetTrue).conflicts_with("resume");
    let yes = Arg::new("yes").long("yes").action(ArgAction::SetTrue);
    Command::new(STREAM)
        .about("Show what the service knows about the stream that it reads, and let a halted one go on")
        .arg(resume.help("Go on at the first message that was stored after the one that was read last"))
        .arg(from.help("Go on at this sequence instead, or at the first message of the stream"))
        .arg(accept.help("Report the lost messages no more; should they come, they are skipped"))
        .arg(yes.help("Do it; without this, what it costs is shown and nothing is done"))
}

/// Parses where a service goes on.
fn place(text: &str) -> Result<GoOn, &'static str> {
    match text {
        "first" => Ok(GoOn::First),
        sequence => sequence.parse().map(GoOn::At).map_err(|_| "it is `first`, or a sequence of the stream"),
    }
}

/// Runs the command.
pub(super) async fn run(service: &'static str, settings: &ArgMatches, stream: &ArgMatches) -> Result<(), Failure> {
    let setting = |name: &str| settings.get_one::<String>(name).cloned().unwrap_or_default();
    let options = JetStreamOptions {
        user: setting("nats_user"),
        password: setting("nats_password"),
        ..JetStreamOptions::new(setting("nats_url"), service)
    };
    let store = SqliteStore::open_existing(service, &setting("database_url")).await?;
    let recovery = Recovery { store: &store, bus: &JetStreamBus::new(options) };
    let report = recovery.report().await?;
    show(&report);
    let is_agreed = stream.get_flag("yes");
    if stream.get_flag("accept-lost") {
        match is_agreed {
            true => println!("accepted: {} lost messages", recovery.accept_lost().await?),
            false => println!("--accept-lost --yes ends the report; should the messages come, they are skipped"),
        }
    } else if stream.get_flag("resume") {
        let go_on = stream.get_one::<GoOn>("from").copied().unwrap_or(GoOn::Proposed);
        let place = report.place(go_on)?;
        println!("{}", cost(go_on));
        match is_agreed {
            true => println!("the service goes on at {}", recovery.resume(go_on).await?),
            false => println!("nothing was done: add --yes to go on at {place}"),
        }
    }
    Ok(())
}

fn show(report: &StreamReport) {
    let stored = report.position_stored.map_or_else(String::new, |at| format!(", stored {at}"));
    println!("read up to {}{stored}; the stream has {} to {}", report.position, report.first, report.last);
    println!("{}", report.halted.as_deref().unwrap_or("not halted"));
    for lost in &report.lost {
        let (series, range) = (&lost.series, lost.range);
        println!(
            "lost: {} {} of {}, numbers {} to {}",
            range.last + 1 - range.first,
            series.kind,
            series.publisher,
            range.first,
            range.last
        );
    }
    for (kind, count) in &report.lost_commands {
        println!("lost with the database that was put back: commands that had published {count} {kind}");
    }
    println!("--resume goes on at {}; --resume --from first at {}", report.proposed, report.first);
}

fn cost(go_on: GoOn) -> &'static str {
    match go_on {
        GoOn::Proposed => {
            "What is lost, and what was stored before and not read here, is not read: it is reported as lost."
        }
        GoOn::First => "All of the stream is read: what was received is skipped, steps that have expired die.",
        GoOn::At(_) => "What lies before and was not received is reported as lost; what was received is skipped.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_the_first_message_or_a_sequence_and_what_is_neither_is_named() {
        let parse = |from: &str| command().try_get_matches_from([STREAM, "--resume", "--from", from]);
        let parsed = |from: &str| *parse(from).unwrap().get_one::<GoOn>("from").unwrap();
        assert_eq!((parsed("first"), parsed("17")), (GoOn::First, GoOn::At(17)));
        for bad in ["zzz", "1.5"] {
            let problem = parse(bad).unwrap_err().to_string();
            assert!(problem.contains("--from") && problem.contains("a sequence of the stream"), "{problem}");
        }
    }
}
