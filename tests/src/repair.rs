//! The tool for dead letters, as an operator runs it.

use anyhow::Context as _;
use serde_json::Value;

use crate::shop::Shop;

impl Shop {
    /// Runs `dead-letters --json` with these arguments. Returns its exit code and the document that it prints.
    ///
    /// # Panics
    /// When it cannot be run, or prints something else.
    pub async fn dead_letters(&self, arguments: &[&str]) -> (i32, Value) {
        let run = async || -> anyhow::Result<(i32, Value)> {
            let mut command = tokio::process::Command::new(testkit::binary("dead-letters")?);
            command.arg("--json").args(arguments).env("NATS_URL", self.premises.nats.url());
            let output = command.kill_on_drop(true).output().await.context("starting it")?;
            let errors = String::from_utf8_lossy(&output.stderr).into_owned();
            let document =
                serde_json::from_slice(&output.stdout).with_context(|| format!("reading its output: {errors}"))?;
            Ok((output.status.code().context("it was killed")?, document))
        };
        run().await.unwrap_or_else(|error| panic!("dead-letters {arguments:?}: {error:#}"))
    }
}
