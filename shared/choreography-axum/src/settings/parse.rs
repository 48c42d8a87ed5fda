//! Reads a service's settings from flags and environment, and begins its log.
//!
//! What must hold: neither `--help` nor an error shows a password.

use std::io::IsTerminal;

use choreography::bus::jetstream::without_login;
use clap::error::{ContextKind, ContextValue};
use clap::{ArgMatches, Command, Error, Parser};
use tracing_subscriber::EnvFilter;

use super::stream_command;
use crate::Failure;

/// What is logged if `RUST_LOG` is not set. Why the server can't be reached is logged once, by the runtime; the client
/// would repeat it with every try.
const LOG_DEFAULT: &str = "info,async_nats=warn,async_nats::connector=off,sqlx=warn";

/// Reads a service's settings from flags and environment. `S` is [`Settings`](crate::Settings), or has them flattened
/// in. `about` is the first line of `--help`.
///
/// The defaults of a service `payment`: user `payment` with password `payment-dev` (environment: `PAYMENT_PASSWORD`),
/// database `.data/payment.db`, HTTP at `127.0.0.1:<port>`. The log goes to standard error from here on; `RUST_LOG`
/// filters it.
///
/// Ends the process after `--help`, after the command `stream`, and after an error in the settings, which it prints.
///
/// ```no_run
/// use choreography_axum::{Settings, settings};
///
/// let settings: Settings = settings("payment", "Payment: takes the money for orders.", 8082);
/// ```
///
/// # Panics
/// When the process logs already.
pub fn settings<S: Parser>(service: &'static str, about: &'static str, port: u16) -> S {
    let command = own_defaults(S::command(), service, port).name(service).about(about).long_about(None::<&str>);
    let command = command.after_help("RUST_LOG filters what is logged, as RUST_LOG=debug.");
    let command = command.subcommand(stream_command::command());
    let matches = command.try_get_matches().unwrap_or_else(|error| discreet(error).exit());
    if let Some((stream_command::STREAM, stream)) = matches.subcommand() {
        run_and_exit(service, &matches, stream);
    }
    let settings = S::from_arg_matches(&matches).unwrap_or_else(|error| discreet(error).exit());
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| LOG_DEFAULT.into());
    let colors = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colors).init();
    settings
}

/// Runs the command `stream` on a thread of its own, because this one may run a runtime already, and ends the process.
fn run_and_exit(service: &'static str, settings: &ArgMatches, stream: &ArgMatches) -> ! {
    let run = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::from)?;
        runtime.block_on(stream_command::run(service, settings, stream))
    };
    let done = std::thread::scope(|scope| scope.spawn(run).join());
    match done {
        Ok(Ok(())) => std::process::exit(0),
        Ok(Err(failure)) => eprintln!("{failure:?}"),
        // The thread has written why it panicked.
        Err(_) => {}
    }
    std::process::exit(1)
}

/// Returns an error about a URL without the URL's login.
fn discreet(mut error: Error) -> Error {
    let url = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) if value.contains("://") => without_login(value),
        _ => return error,
    };
    error.insert(ContextKind::InvalidValue, ContextValue::String(url));
    error
}

/// Sets the defaults that differ from service to service, and keeps the environment, which has passwords, out of `--help`.
fn own_defaults(command: Command, service: &'static str, port: u16) -> Command {
    let defaults = [
        ("nats_user", service.to_owned()),
        ("nats_password", format!("{service}-dev")),
        ("database_url", format!("sqlite://.data/{service}.db")),
        ("listen", format!("127.0.0.1:{port}")),
    ];
    let set = |command: Command, (name, value)| command.mut_arg(name, |arg| arg.required(false).default_value(value));
    let command = defaults.into_iter().fold(command, set).mut_args(|arg| arg.hide_env_values(true));
    command.mut_arg("nats_password", |password| password.env(format!("{}_PASSWORD", service.to_uppercase())))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::{CommandFactory, FromArgMatches};

    use super::*;
    use crate::Settings;

    /// A service's settings with others beside them.
    #[derive(Debug, Parser)]
    struct Wider {
        #[command(flatten)]
        service: Settings,
        #[arg(long, default_value = "15m")]
        patience: String,
        /// A variable that is set.
        #[arg(long, env = "CARGO_MANIFEST_DIR")]
        secret: Option<String>,
    }

    #[test]
    fn every_setting_has_a_default_also_beside_others() {
        let command = own_defaults(Wider::command(), "payment", 8082);
        let wider = Wider::from_arg_matches(&command.get_matches_from(["payment", "--demo"])).unwrap();
        let Settings { nats_user, listen, demo, .. } = wider.service;
        assert_eq!((nats_user.as_str(), listen.as_str(), demo), ("payment", "127.0.0.1:8082", true));
        assert_eq!(wider.patience, "15m");
        let Settings { circuit_threshold, circuit_pace_min, overdue_after, backlog_max, .. } = wider.service;
        assert_eq!((circuit_threshold, circuit_pace_min, backlog_max), (3, 20, 100_000));
        assert_eq!(overdue_after, Duration::from_secs(30));
    }
    #[test]
    fn passwords_are_shown_neither_in_the_help_nor_in_an_error() {
        let help = own_defaults(Wider::command(), "payment", 8082).render_long_help().to_string();
        assert!(help.contains("CARGO_MANIFEST_DIR") && !help.contains(env!("CARGO_MANIFEST_DIR")), "{help}");
        let command = own_defaults(Wider::command(), "payment", 8082);
        let error = command.try_get_matches_from(["payment", "--database-url=postgres://admin:secret@db/payment"]);
        let error = discreet(error.unwrap_err()).to_string();
        assert!(error.contains("postgres://db/payment") && !error.contains("secret"), "{error}");
    }
}
