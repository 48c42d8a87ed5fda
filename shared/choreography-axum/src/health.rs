//! Whether the service lives, and whether it can do its work.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use choreography::{Health, Service};
use serde_json::{Value, json};

use crate::Problem;

/// It lives as long as it answers.
pub(crate) async fn livez() -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// It is ready when its database and the message server do what they are asked.
pub(crate) async fn readyz(State(service): State<Service>) -> Result<Json<Value>, Problem> {
    let health = service.health();
    ready(&health).map(|()| Json(told(service.name(), &health)))
}

/// What an operator has to see to is told, though the service does its work.
fn told(service: &str, health: &Health) -> Value {
    match &health.compensations {
        Ok(()) => json!({ "status": "ready", "service": service }),
        Err(compensations) => json!({ "status": "ready", "service": service, "compensations": compensations }),
    }
}

fn ready(health: &Health) -> Result<(), Problem> {
    let parts = [("database", &health.database), ("reading", &health.reading), ("publishing", &health.publishing)];
    let troubles = parts.iter().filter_map(|(part, state)| Some(format!("{part}: {}", state.as_ref().err()?)));
    let troubles: Vec<_> = troubles.collect();
    if troubles.is_empty() {
        return Ok(());
    }
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", troubles.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readiness_names_every_part_that_is_missing() {
        let well = Health { database: Ok(()), reading: Ok(()), compensations: Ok(()), publishing: Ok(()) };
        assert_eq!(ready(&well), Ok(()));
        assert_eq!(told("payment", &well), json!({ "status": "ready", "service": "payment" }));
        let half_undone = Health { compensations: Err("a compensation died".into()), ..well.clone() };
        assert_eq!(ready(&half_undone), Ok(()));
        assert_eq!(told("payment", &half_undone)["compensations"], "a compensation died");
        let broken = Health { database: Err("disk full".into()), publishing: Err("no server".into()), ..well };
        assert_eq!(ready(&broken).unwrap_err().detail, "database: disk full; publishing: no server");
    }
}
