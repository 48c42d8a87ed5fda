//! `/circuits`: the state of the circuit breaker, for operators and for callers who are refused.

use axum::Json;
use axum::extract::State;
use choreography::{BreakerStatus, Service};
use serde::Serialize;

/// The state of the circuit breaker as a service computes it.
#[derive(Debug, Serialize)]
pub(crate) struct Circuits {
    service: &'static str,
    #[serde(flatten)]
    breaker: BreakerStatus,
}

/// Replies to `GET /circuits`. All instances of all services that have caught up show the same.
pub(crate) async fn circuits(State(service): State<Service>) -> Json<Circuits> {
    Json(Circuits { service: service.name(), breaker: service.breaker() })
}

#[cfg(test)]
mod tests {
    use choreography::{Circuit, CircuitState, Role};
    use serde_json::json;

    use super::*;

    #[test]
    fn a_circuit_is_shown_with_its_state_since_when_and_why() {
        let moment = "2026-03-01T12:00:05Z".parse().unwrap();
        let (message, why) = ("create-payment".to_owned(), "payment is behind".to_owned());
        let circuit = Circuit { message, role: Role::Step, state: CircuitState::HalfOpen, since: moment, why };
        let breaker =
            BreakerStatus { caught_up: true, cycle_ends_at: moment, intake_closed: false, circuits: vec![circuit] };
        let shown = serde_json::to_value(Circuits { service: "order", breaker }).unwrap();
        let circuit = json!({
            "message": "create-payment", "role": "step", "state": "half-open", "since": "2026-03-01T12:00:05Z",
            "why": "payment is behind",
        });
        let wanted = json!({
            "service": "order", "caught_up": true, "cycle_ends_at": "2026-03-01T12:00:05Z", "intake_closed": false,
            "circuits": [circuit],
        });
        assert_eq!(shown, wanted);
    }
}
