//! Runs the program.

use serde_json::Value;
use tokio::process::Command;

use crate::stage::{PASSWORD, Stage};

/// The outcome of a run.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Returns the document that it wrote.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Returns the numbers of the dead letters in the document.
    #[track_caller]
    pub(crate) fn dead_letters(&self) -> Vec<u64> {
        let json = self.json();
        json["dead_letters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|dead_letter| dead_letter["sequence"].as_u64().unwrap())
            .collect()
    }

    /// Returns the outcomes in the document, with the numbers of their dead letters.
    #[track_caller]
    pub(crate) fn outcomes(&self) -> Vec<(u64, String)> {
        let json = self.json();
        let dead_letters = json["dead_letters"].as_array().unwrap().iter();
        dead_letters
            .map(|dead_letter| {
                (dead_letter["sequence"].as_u64().unwrap(), dead_letter["outcome"].as_str().unwrap().to_owned())
            })
            .collect()
    }
}

/// Runs the program with an address and a password.
pub(crate) async fn run(nats_url: &str, password: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dead-letters"));
    command.args(arguments).env("NATS_URL", nats_url).env("ADMIN_PASSWORD", password);
    let output = command.env_remove("DEAD_LETTERS_INVOCATION").output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

impl Stage {
    /// Runs the program with the words of a line as its arguments.
    pub(crate) async fn run(&self, line: &str) -> Ran {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        run(&self.nats.url(), PASSWORD, &arguments).await
    }
}
