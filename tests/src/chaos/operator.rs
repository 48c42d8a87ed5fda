//! The operator: looks at the services, and lets those that have halted go on, and accepts what is lost, by the commands
//! that their `/readyz` names. Everything that was done and reported is counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};
use futures::future::try_join_all;
use serde_json::Value;

use super::client::Client;
use super::site::Site;
use crate::service::SERVICES;

/// What the operator has done and seen.
#[derive(Debug, Clone, Default)]
pub(super) struct Done {
    /// How often each service had halted and was told to go on.
    pub(super) resumed: BTreeMap<&'static str, u64>,
    /// The messages that services have reported as lost.
    pub(super) lost: Vec<String>,
}

/// The operator of a site.
#[derive(Default)]
pub(super) struct Operator {
    done: Mutex<Done>,
}

impl Operator {
    /// Looks at every service once.
    pub(super) async fn look(&self, site: &Site, client: &Client) -> Result<()> {
        try_join_all(SERVICES.map(|name| self.look_at(name, site, client))).await.map(drop)
    }

    async fn look_at(&self, name: &'static str, site: &Site, client: &Client) -> Result<()> {
        let replies = client.every(name, "/readyz").await;
        let details = replies.iter().filter_map(|reply| reply.body["detail"].as_str());
        let parts: Vec<&str> = details.flat_map(|detail| detail.split("; ")).collect();
        let says_halted = parts.iter().any(|part| part.contains("until an operator goes on"));
        // The service says so until it reads again. Told once more meanwhile, it would begin anew each time.
        if says_halted && !stream(site, name, &[]).await?.lines().any(|line| line == "not halted") {
            stream(site, name, &["--resume", "--yes"]).await?;
            self.note(|done| *done.resumed.entry(name).or_default() += 1);
        }
        if parts.iter().any(|part| part.starts_with("lost: ")) {
            let shown = stream(site, name, &[]).await?;
            let lost = shown.lines().filter(|line| line.starts_with("lost: ")).map(|line| format!("{name}: {line}"));
            self.note(|done| done.lost.extend(lost));
            stream(site, name, &["--accept-lost", "--yes"]).await?;
        }
        Ok(())
    }

    fn note(&self, note: impl FnOnce(&mut Done)) {
        note(&mut self.done.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Returns what was done until now.
    pub(super) fn done(&self) -> Done {
        self.done.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Runs a service's command `stream`, and returns what it prints.
async fn stream(site: &Site, name: &str, arguments: &[&str]) -> Result<String> {
    let mut command = site.premises.service(name).stream_command(&site.premises.nats.url(), arguments)?;
    let output = command.output().await.with_context(|| format!("running `{name} stream`"))?;
    let errors = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "`{name} stream {}` fails: {errors}", arguments.join(" "));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the dead letters, notices about overdue messages left out.
pub(super) async fn dead_letters(site: &Site) -> Result<Vec<Value>> {
    let mut command = tokio::process::Command::new(testkit::binary("dead-letters")?);
    command.args(["--json", "list", "--limit", "100000"]).env("NATS_URL", site.premises.nats.url());
    let output = command.kill_on_drop(true).output().await.context("running `dead-letters`")?;
    let listed: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("reading dead letters: {}", String::from_utf8_lossy(&output.stderr)))?;
    Ok(listed["dead_letters"].as_array().cloned().unwrap_or_default())
}
