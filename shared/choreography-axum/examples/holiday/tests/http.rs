//! A trip over HTTP.

use choreography_axum::testing::TestService;
use holiday::trip::{choreography, routes};
use serde_json::{Value, json};

#[tokio::test]
async fn a_trip_is_booked_once_and_shown() {
    let trip = TestService::start(choreography(), routes()).await;
    let id = "0198c0de-0000-7000-8000-000000000001";
    let body = json!({"trip": id, "flight": "LH1", "hotel": "ritz"});
    let pending = json!({"status": "pending", "has_flight": false, "has_hotel": false, "reason": null});
    for _ in 0..2 {
        assert_eq!(trip.call("POST", "/trips", body.clone()).await, (200, pending.clone()));
    }
    assert_eq!(trip.call("GET", &format!("/trips/{id}"), Value::Null).await, (200, pending));
    assert_eq!(trip.call("GET", "/trips/00000000-0000-7000-8000-000000000000", Value::Null).await.0, 404);
}
