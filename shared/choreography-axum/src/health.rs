//! `/livez` and `/readyz`: whether the service runs, and whether it can do its work.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use choreography::{Health, Service};
use serde_json::{Value, json};

use crate::Problem;

type Check = dyn Fn() -> Result<(), String> + Send + Sync;

/// What a service requires beside its database and the message server, to do its work.
#[derive(Clone, Default)]
pub(crate) struct Requirements(Vec<(&'static str, Arc<Check>)>);

impl Requirements {
    pub(crate) fn add(&mut self, name: &'static str, check: impl Fn() -> Result<(), String> + Send + Sync + 'static) {
        self.0.push((name, Arc::new(check)));
    }

    fn states(&self) -> impl Iterator<Item = (&'static str, Result<(), String>)> {
        self.0.iter().map(|(name, check)| (*name, check()))
    }
}

/// Replies to `GET /livez`: 200 while the process runs.
pub(crate) async fn livez() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Replies to `GET /readyz`: 200 while the database, the message server and what the service requires itself work, else a
/// 503 that names what does not.
pub(crate) async fn readyz(
    State(service): State<Service>,
    requirements: Option<Extension<Requirements>>,
) -> Result<Json<Value>, Problem> {
    let health = service.health();
    let requirements = requirements.map(|Extension(requirements)| requirements).unwrap_or_default();
    ready(&health, &requirements).map(|()| Json(shown(service.name(), &health)))
}

/// Returns the body of `/readyz`. Lost commands, dead compensations, late effects, unreadable rows, streams that are
/// nearly full and kept messages are shown to the operator, though the service works all the same.
fn shown(service: &str, health: &Health) -> Value {
    let mut shown = json!({ "status": "ready", "service": service });
    let shown_parts = [
        ("commands", &health.commands),
        ("compensations", &health.compensations),
        ("effects", &health.effects),
        ("rows", &health.rows),
        ("streams", &health.streams),
        ("subscribers", &health.subscribers),
    ];
    for (part, state) in shown_parts {
        if let Err(problem) = state {
            shown[part] = json!(problem);
        }
    }
    shown
}

fn ready(health: &Health, requirements: &Requirements) -> Result<(), Problem> {
    let parts = [
        ("database", health.database.clone()),
        ("reading", health.reading.clone()),
        ("lost", health.lost.clone()),
        ("publishing", health.publishing.clone()),
    ];
    let parts = parts.into_iter().chain(requirements.states());
    let failing = parts.filter_map(|(part, state)| Some(format!("{part}: {}", state.err()?)));
    let failing: Vec<_> = failing.collect();
    if failing.is_empty() {
        return Ok(());
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", failing.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_every_part_that_does_not_work() {
        let nothing = Requirements::default();
        let well = Health {
            database: Ok(()),
            reading: Ok(()),
            commands: Ok(()),
            compensations: Ok(()),
            effects: Ok(()),
            lost: Ok(()),
            publishing: Ok(()),
            rows: Ok(()),
            streams: Ok(()),
            subscribers: Ok(()),
        };
        assert_eq!(ready(&well, &nothing), Ok(()));
        assert_eq!(shown("payment", &well), json!({ "status": "ready", "service": "payment" }));
        let dead_compensation = Health { compensations: Err("a compensation died".into()), ..well.clone() };
        assert_eq!(ready(&dead_compensation, &nothing), Ok(()));
        assert_eq!(shown("payment", &dead_compensation)["compensations"], "a compensation died");
        let put_back = Health { commands: Err("3 commands are lost".into()), ..well.clone() };
        assert_eq!(
            (ready(&put_back, &nothing), &shown("order", &put_back)["commands"]),
            (Ok(()), &json!("3 commands are lost"))
        );
        let late = Health { effects: Err("a mail is late".into()), ..well.clone() };
        assert_eq!((ready(&late, &nothing), &shown("notify", &late)["effects"]), (Ok(()), &json!("a mail is late")));
        let typo = Health { rows: Err("row 7 is unreadable".into()), ..well.clone() };
        assert_eq!((ready(&typo, &nothing), &shown("payment", &typo)["rows"]), (Ok(()), &json!("row 7 is unreadable")));
        let full = Health { streams: Err("EVENTS is 70 % full".into()), ..well.clone() };
        assert_eq!(
            (ready(&full, &nothing), &shown("order", &full)["streams"]),
            (Ok(()), &json!("EVENTS is 70 % full"))
        );
        let broken = Health { database: Err("disk full".into()), publishing: Err("no server".into()), ..well.clone() };
        let mut tokens = Requirements::default();
        tokens.add("tokens", || Err("no keys".to_owned()));
        let detail = |requirements| ready(&broken, requirements).unwrap_err().detail;
        assert_eq!(detail(&nothing), "database: disk full; publishing: no server");
        assert_eq!(detail(&tokens), "database: disk full; publishing: no server; tokens: no keys");
        assert_eq!(ready(&well, &tokens).unwrap_err().detail, "tokens: no keys");
    }
}
