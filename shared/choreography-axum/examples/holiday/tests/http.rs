//! A trip over HTTP.

use choreography::testing::Harness;
use choreography_axum::testing::TestClient;
use holiday::trip::{choreography, routes};
use serde_json::{Value, json};

#[test]
fn a_trip_is_booked_once_and_shown() {
    let world = Harness::of([choreography()]);
    let client = TestClient::new(world.service("trip"), routes());
    let call = |method, path: &str, body| world.block_on(client.call(method, path, body));
    let id = "0198c0de-0000-7000-8000-000000000001";
    let body = json!({"trip": id, "flight": "LH1", "hotel": "ritz"});
    let pending = json!({"status": "pending", "has_flight": false, "has_hotel": false, "reason": null});
    for _ in 0..2 {
        assert_eq!(call("POST", "/trips", body.clone()), (200, pending.clone()));
    }
    assert_eq!(call("GET", &format!("/trips/{id}"), Value::Null), (200, pending));
    assert_eq!(call("GET", "/trips/00000000-0000-7000-8000-000000000000", Value::Null).0, 404);
}
