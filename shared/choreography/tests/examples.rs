//! Each example prints its last comment. `cargo test -p choreography` builds the examples before it runs this.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::{Path, PathBuf};
use std::process::Command;

/// The examples that need no message server.
const IN_MEMORY: [&str; 9] = [
    "book_shop",
    "compensation_overtakes",
    "effects",
    "fallback",
    "join",
    "map",
    "scheduled_messages",
    "testing_faults",
    "waiting",
];

/// Returns the command that runs an example. Cargo puts the examples beside the folder of this test's own program.
fn command(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    Command::new(test.parent().and_then(Path::parent).unwrap().join("examples").join(name))
}

/// Runs an example to its end, and returns what it printed.
fn run(name: &str, command: &mut Command) -> String {
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{name}: {error}; `cargo build --examples` builds it"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

/// Returns the lines after `// Output:` at the end of an example.
fn promised(name: &str) -> String {
    let source = std::fs::read_to_string(sources().join(name).with_extension("rs")).unwrap();
    let (_, output) = source.split_once("\n// Output:\n").unwrap_or_else(|| panic!("{name} has no `// Output:`"));
    let lines = output.lines().map(|line| line.strip_prefix("// ").unwrap_or_default());
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_example_in_memory_prints_its_last_comment() {
    for name in IN_MEMORY {
        assert_eq!(run(name, &mut command(name)), promised(name), "{name}");
    }
}

#[test]
fn every_example_is_run_by_a_test() {
    let files = std::fs::read_dir(sources()).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = files.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    names.retain(|name| name != "production" && !IN_MEMORY.contains(&name.as_str()));
    assert_eq!(names, Vec::<String>::new());
}

#[cfg(all(feature = "sqlite", feature = "jetstream"))]
#[test]
fn production_example_runs_with_the_users_that_it_prints() {
    let users = run("production", command("production").arg("users"));
    let configuration = format!(
        r#"
        host: 127.0.0.1
        port: $NATS_PORT
        ADMIN_PASSWORD: secret-a
        READER_PASSWORD: secret-r
        ORACLE_PASSWORD: secret-o
        jetstream {{ store_dir: $NATS_STORE_DIR, max_file_store: 10GB, max_memory_store: 64MB, sync_interval: "1s" }}
        accounts {{ ORACLE {{ jetstream: enabled, {users} }} }}
        "#
    );
    let world = testkit::World::new("production").unwrap();
    let server = testkit::NatsServer::configured(&world, &configuration).unwrap();
    let mut example = command("production");
    example.env("NATS_URL", server.url()).env("DATA_DIR", world.directory());
    for (user, password) in [("ADMIN", "secret-a"), ("READER", "secret-r"), ("ORACLE", "secret-o")] {
        example.env(format!("{user}_PASSWORD"), password);
    }
    assert_eq!(run("production", &mut example), promised("production"));
}
