//! How long the shop takes after a fault has ended.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::client::Client;
use super::customers::Customers;
use super::operator::Operator;
use super::site::Site;

/// How long it may take at most; a shop that takes longer has not recovered.
const RECOVERED_MAX: Duration = Duration::from_secs(60);
/// The same, where every service waits for the operator, and publishes all that it keeps again.
const RECOVERED_WITH_OPERATOR_MAX: Duration = Duration::from_secs(180);
/// How often the backlog is looked at: it takes some requests.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// How long the shop took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Recovery {
    /// Until an order that was placed then was completed.
    pub(super) order: Duration,
    /// Until every order of before had ended, and every mail of before was sent.
    pub(super) backlog: Duration,
}

/// The shop as those see it who wait for it.
pub(super) struct Watch<'a> {
    pub(super) site: &'a Site,
    pub(super) client: &'a Client,
    pub(super) customers: &'a Customers,
    pub(super) operator: &'a Operator,
}

impl Watch<'_> {
    /// Waits until the shop has recovered from a fault that has just ended, with the operator's help.
    pub(super) async fn recovery(&self, needs_operator: bool) -> Result<Recovery> {
        let recovered_max = if needs_operator { RECOVERED_WITH_OPERATOR_MAX } else { RECOVERED_MAX };
        let (begin, ended) = (Instant::now(), Timestamp::now());
        let order = async {
            self.customers.buy().await?;
            Ok::<_, anyhow::Error>(begin.elapsed())
        };
        let backlog = async {
            while !self.is_done(ended, begin).await? {
                sleep(LOOKS_EVERY).await;
            }
            Ok::<_, anyhow::Error>(begin.elapsed())
        };
        let operating = async {
            loop {
                if let Err(error) = self.operator.look(self.site, self.client).await {
                    eprintln!("the operator tries again: {error:#}");
                }
                sleep(LOOKS_EVERY).await;
            }
        };
        let recovering = async {
            tokio::select! {
                both = async { tokio::try_join!(order, backlog) } => both,
                () = operating => unreachable!("the operator goes on until the shop has recovered"),
            }
        };
        let (order, backlog) = timeout(recovered_max, recovering)
            .await
            .with_context(|| format!("the shop has not recovered within {recovered_max:?}"))??;
        Ok(Recovery { order, backlog })
    }

    /// Whether every order that was opened before has ended, but for those that are never paid, and every mail that
    /// waited then is sent.
    async fn is_done(&self, ended: Timestamp, begin: Instant) -> Result<bool> {
        let forgotten = self.customers.forgotten();
        for status in ["pending", "confirmed"] {
            let path = format!("/orders?status={status}&created_before={ended}");
            let is_open = |order: &Value| !order["id"].as_str().is_some_and(|id| forgotten.contains(id));
            if self.client.has("order", &path, is_open).await? {
                return Ok(false);
            }
        }
        Ok(self.oldest_mail().await < begin.elapsed().as_secs_f64())
    }

    /// Returns for how many seconds the oldest mail has waited.
    async fn oldest_mail(&self) -> f64 {
        let metrics = self.client.every("notify", "/metrics").await;
        let texts = metrics.iter().filter_map(|reply| reply.body.as_str());
        let lines = texts.flat_map(str::lines).filter(|line| line.starts_with("choreography_effects_oldest_seconds"));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).fold(0.0, f64::max)
    }
}
