//! `Prefer: wait=N` (RFC 7240): the caller wants the outcome in the response, if it is known in time.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::request::Parts;
use choreography_axum::Stopping;
use contracts::{Confirmation, OrderId};
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::Found;
use crate::gateway::Gateway;
use crate::identity::Identity;

/// The longest wait, in seconds: less than a response may take.
const WAIT_SECONDS_MAX: u64 = 8;
/// The first pause between two looks at the order, which takes some tens of milliseconds; it grows by half each time.
const PAUSE_MIN: Duration = Duration::from_millis(20);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_millis(500);

/// How long the caller wants to wait for the outcome; zero without `Prefer: wait`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wait {
    seconds: u64,
}

impl Wait {
    /// Reads the values of `Prefer`. What can't be read is no preference.
    fn of<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut preferences = values.flat_map(|value| value.split([',', ';'])).map(str::trim);
        let seconds = preferences.find_map(|preference| {
            let (name, value) = preference.split_once('=')?;
            let is_wait = name.trim().eq_ignore_ascii_case("wait");
            is_wait.then(|| value.trim().trim_matches('"').parse::<u64>().ok()).flatten()
        });
        Self { seconds: seconds.unwrap_or_default().min(WAIT_SECONDS_MAX) }
    }

    /// Returns the value of `Preference-Applied`; none if there is nothing to wait for.
    pub(super) fn applied(self) -> Option<HeaderValue> {
        if self.seconds == 0 { None } else { HeaderValue::from_str(&format!("wait={}", self.seconds)).ok() }
    }

    /// Waits until the order's outcome is known, and returns the order; none if that takes too long.
    pub(super) async fn outcome(
        self,
        gateway: &Gateway,
        identity: &Identity,
        order_id: OrderId,
        confirmation: Confirmation,
        stopping: Stopping,
    ) -> Option<Value> {
        if self.seconds == 0 {
            return None;
        }
        let look = async {
            let mut pause = PAUSE_MIN;
            loop {
                sleep(pause).await;
                pause = (pause * 3 / 2).min(PAUSE_MAX);
                if let Ok(Found::Opened(order)) = gateway.find_order(identity, order_id).await
                    && is_outcome(&order, confirmation)
                {
                    return order;
                }
            }
        };
        tokio::select! {
            order = timeout(Duration::from_secs(self.seconds), look) => order.ok(),
            () = stopping.begun() => None,
        }
    }
}

/// Whether the caller can be told what becomes of the order: it has ended, or it waits for the customer with its payment.
fn is_outcome(order: &Value, confirmation: Confirmation) -> bool {
    let status = order["status"].as_str().unwrap_or_default();
    let waits = confirmation == Confirmation::Manual && !order["payment_id"].is_null();
    waits || matches!(status, "completed" | "cancelled")
}

impl<S: Send + Sync> FromRequestParts<S> for Wait {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wait_is_read_and_bounded() {
        for (values, seconds) in [
            (vec![], 0),
            (vec!["wait=3"], 3),
            (vec!["respond-async, wait=5"], 5),
            (vec!["respond-async", "Wait=\"2\""], 2),
            (vec!["wait=3600"], 8),
            (vec!["wait"], 0),
            (vec!["wait=soon"], 0),
        ] {
            assert_eq!(Wait::of(values.iter().copied()), Wait { seconds }, "{values:?}");
        }
        assert_eq!(Wait::default().applied(), None);
    }

    #[test]
    fn an_outcome_is_an_end_or_a_payment_that_waits_for_the_customer() {
        for (status, payment_id, of_manual, of_automatic) in [
            ("pending", json!(null), false, false),
            ("pending", json!("0198"), true, false),
            ("confirmed", json!("0198"), true, false),
            ("completed", json!("0198"), true, true),
            ("cancelled", json!(null), true, true),
        ] {
            let order = json!({"status": status, "payment_id": payment_id});
            assert_eq!(is_outcome(&order, Confirmation::Manual), of_manual, "{order}");
            assert_eq!(is_outcome(&order, Confirmation::Automatic), of_automatic, "{order}");
        }
    }
}
