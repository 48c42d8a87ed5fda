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
    ready(&service.health()).map(|()| Json(json!({ "status": "ready", "service": service.name() })))
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
        let well = Health { database: Ok(()), reading: Ok(()), publishing: Ok(()) };
        assert_eq!(ready(&well), Ok(()));
        let broken = Health { database: Err("disk full".into()), publishing: Err("no server".into()), ..well };
        assert_eq!(ready(&broken).unwrap_err().detail, "database: disk full; publishing: no server");
    }
}
