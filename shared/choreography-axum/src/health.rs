//! `/livez` and `/readyz`: whether the service runs, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use choreography::{Health, Service};
use serde_json::{Value, json};

use crate::Problem;

/// Replies to `GET /livez`: 200 while the process runs.
pub(crate) async fn livez() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// Replies to `GET /readyz`: 200 while the database and the message server work, else a 503 that names what does not.
pub(crate) async fn readyz(State(service): State<Service>) -> Result<Json<Value>, Problem> {
    let health = service.health();
    ready(&health).map(|()| Json(shown(service.name(), &health)))
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

fn ready(health: &Health) -> Result<(), Problem> {
    let parts = [
        ("database", &health.database),
        ("reading", &health.reading),
        ("lost", &health.lost),
        ("publishing", &health.publishing),
    ];
    let failing = parts.iter().filter_map(|(part, state)| Some(format!("{part}: {}", state.as_ref().err()?)));
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
        assert_eq!(ready(&well), Ok(()));
        assert_eq!(shown("payment", &well), json!({ "status": "ready", "service": "payment" }));
        let dead_compensation = Health { compensations: Err("a compensation died".into()), ..well.clone() };
        assert_eq!(ready(&dead_compensation), Ok(()));
        assert_eq!(shown("payment", &dead_compensation)["compensations"], "a compensation died");
        let put_back = Health { commands: Err("3 commands are lost".into()), ..well.clone() };
        assert_eq!((ready(&put_back), &shown("order", &put_back)["commands"]), (Ok(()), &json!("3 commands are lost")));
        let late = Health { effects: Err("a mail is late".into()), ..well.clone() };
        assert_eq!((ready(&late), &shown("notify", &late)["effects"]), (Ok(()), &json!("a mail is late")));
        let typo = Health { rows: Err("row 7 is unreadable".into()), ..well.clone() };
        assert_eq!((ready(&typo), &shown("payment", &typo)["rows"]), (Ok(()), &json!("row 7 is unreadable")));
        let full = Health { streams: Err("EVENTS is 70 % full".into()), ..well.clone() };
        assert_eq!((ready(&full), &shown("order", &full)["streams"]), (Ok(()), &json!("EVENTS is 70 % full")));
        let broken = Health { database: Err("disk full".into()), publishing: Err("no server".into()), ..well };
        assert_eq!(ready(&broken).unwrap_err().detail, "database: disk full; publishing: no server");
    }
}
