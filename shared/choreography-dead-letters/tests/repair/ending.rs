//! Errors: one line on stderr, and the exit code.

use testkit::free_port;

use crate::stage::{PASSWORD, Stage};
use crate::tool::{Ran, run};

/// Asserts that a run failed, with one line that contains these words.
#[track_caller]
fn assert_failed(ran: &Ran, words: &str) {
    let is_one_line = ran.err.lines().count() == 1 && ran.err.starts_with("dead-letters: ");
    assert!(ran.code == Some(1) && ran.out.is_empty() && is_one_line && ran.err.contains(words), "{ran:?}");
}

#[tokio::test]
async fn missing_server_is_reported_with_its_address() {
    let url = format!("nats://127.0.0.1:{}", free_port().unwrap());
    for command in ["list", "groups", "show 1", "replay 1", "drop 1 --reason old", "list --json"] {
        let arguments: Vec<&str> = command.split(' ').collect();
        assert_failed(&run(&url, PASSWORD, &arguments).await, &format!("no message server at {url}"));
    }
}

#[tokio::test]
async fn wrong_password_is_reported_as_one() {
    let stage = Stage::new().await;
    assert_failed(
        &run(&stage.nats.url(), "wrong", &["list"]).await,
        "does not let admin in: is ADMIN_PASSWORD the server's?",
    );
}

#[tokio::test]
async fn missing_stream_is_reported() {
    let stage = Stage::without_streams().await;
    for command in ["list", "groups", "show 1", "replay 1"] {
        assert_failed(&stage.run(command).await, "the stream DEAD_LETTERS is missing");
    }
}

#[tokio::test]
async fn wrong_command_line_is_explained_before_connecting() {
    for command in [
        "replay",
        "drop 1",
        "drop --reason old",
        "list --service a.b",
        "list --since yesterday",
        "replay 1 --rate 0",
        "replay 1 --rate 1001",
        "replay 1 --wait 2h",
        "list --limit 0",
        "list --reason funny",
        "replay --reason funny",
        "mend",
        "",
    ] {
        let arguments: Vec<&str> = command.split_whitespace().collect();
        let ran = run("nats://127.0.0.1:1", PASSWORD, &arguments).await;
        assert!(ran.code == Some(2) && ran.out.is_empty() && !ran.err.is_empty(), "{command}: {ran:?}");
    }
}

#[tokio::test]
async fn help_explains_outcomes_exit_codes_and_fields() {
    let help = run("nats://127.0.0.1:1", PASSWORD, &["--help"]).await;
    assert_eq!(help.code, Some(0));
    for words in ["Exit codes:", "nothing matched", "refused", "event_sequence", "payload_is_json", "NATS_URL"] {
        assert!(help.out.contains(words), "{words}");
    }
}

#[tokio::test]
async fn exit_code_shows_that_nothing_matched() {
    let stage = Stage::new().await;
    for command in ["list", "groups", "show 1", "replay 1", "replay --since 1h", "drop --service payment --reason old"]
    {
        let ran = stage.run(command).await;
        assert!(ran.code == Some(3) && ran.err.is_empty() && ran.out.contains("Next: "), "{command}: {ran:?}");
    }
}
