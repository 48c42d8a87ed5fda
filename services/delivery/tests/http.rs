//! Deliveries and dealers over HTTP.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use choreography_axum::testing::TestFace;
use contracts::{Address, CreateDelivery, NAMESPACE, OrderId};
use delivery::delivery::Delivery;
use delivery::{choreography, demo, http};
use serde_json::{Value, json};
use uuid::Uuid;

fn start() -> TestFace {
    TestFace::start(choreography(), NAMESPACE, http::routes())
}

/// Returns the delivery of a new order to a zone, once there is one.
fn deliver_to(service: &TestFace, zone: &str) -> Value {
    let order_id: OrderId = service.harness.service("delivery").new_id();
    let address = Address { zone: zone.parse().unwrap(), line: "1 Hill Road".into() };
    service.harness.publish("order", &CreateDelivery { order_id, address });
    service.harness.until::<Delivery>(&order_id, |_| true);
    service.call("GET", &format!("/deliveries?order_id={order_id}"), Value::Null).1["items"][0].take()
}

fn dealers(service: &TestFace, zone: &str) -> Value {
    service.call("GET", &format!("/dealers?zone={zone}"), Value::Null).1["items"].take()
}

#[test]
fn a_delivery_takes_a_place_until_it_is_complete() {
    let service = start();
    let ann = json!({"name": "Ann", "zone": "hills", "capacity": 1});
    let dealer = |active: u32| json!({"name": "Ann", "zone": "hills", "capacity": 1, "active": active});
    for _ in 0..2 {
        // The second time under the same key.
        assert_eq!(service.call("POST", "/dealers", ann.clone()), (201, dealer(0)));
    }
    let delivery = deliver_to(&service, "hills");
    assert_eq!((&delivery["status"], &delivery["dealer"]), (&json!("assigned"), &json!("Ann")));
    assert_eq!(dealers(&service, "hills"), json!([dealer(1)]));
    assert_eq!(deliver_to(&service, "hills")["reason"], "no-dealer");
    let path = format!("/deliveries/{}", delivery["id"].as_str().unwrap());
    assert_eq!(service.call("GET", &path, Value::Null), (200, delivery));
    for _ in 0..2 {
        let (status, completed) = service.call("POST", &format!("{path}/complete"), Value::Null);
        assert_eq!((status, &completed["status"]), (200, &json!("completed")));
    }
    assert_eq!(dealers(&service, "hills"), json!([dealer(0)]));
    assert_eq!(service.call("GET", "/deliveries", Value::Null).1["items"].as_array().unwrap().len(), 2);
}

#[test]
fn an_impossible_request_is_refused_with_a_problem() {
    let service = start();
    service.call("POST", "/dealers", json!({"name": "Ann", "zone": "hills", "capacity": 1}));
    let nowhere = deliver_to(&service, "nowhere")["id"].as_str().unwrap().to_owned();
    let nobody = Uuid::from_u128(7);
    let cases = [
        ("POST", format!("/deliveries/{nowhere}/complete"), Value::Null, 409, "urn:problem:delivery-refused"),
        ("POST", format!("/deliveries/{nobody}/complete"), Value::Null, 404, "urn:problem:not-found"),
        ("GET", format!("/deliveries/{nobody}"), Value::Null, 404, "urn:problem:not-found"),
        ("GET", "/deliveries/7".into(), Value::Null, 400, "urn:problem:invalid-path"),
        ("GET", "/deliveries?order_id=7".into(), Value::Null, 400, "urn:problem:invalid-query"),
        (
            "POST",
            "/dealers".into(),
            json!({"name": "Ann", "zone": "hills", "capacity": 2}),
            409,
            "urn:problem:dealer-exists",
        ),
        (
            "POST",
            "/dealers".into(),
            json!({"name": "", "zone": "hills", "capacity": 2}),
            422,
            "urn:problem:invalid-content",
        ),
        (
            "POST",
            "/dealers".into(),
            json!({"name": "Bob", "zone": "hills", "capacity": -1}),
            422,
            "urn:problem:invalid-content",
        ),
    ];
    for (method, path, body, status, kind) in cases {
        let (received, problem) = service.call(method, &path, body.clone());
        assert_eq!((received, problem["type"].as_str()), (status, Some(kind)), "{method} {path} {body}: {problem}");
    }
}

#[test]
fn the_demonstration_can_begin_again_without_a_reset() {
    let service = start();
    service.harness.block_on(demo::hire_dealers(service.harness.service("delivery"))).unwrap();
    deliver_to(&service, "north");
    service.harness.block_on(demo::hire_dealers(service.harness.service("delivery"))).unwrap();
    let active = |dealer: &Value| (dealer["name"].as_str().unwrap().to_owned(), dealer["active"].as_u64().unwrap());
    let dealers = service.call("GET", "/dealers", Value::Null).1;
    let dealers: Vec<_> = dealers["items"].as_array().unwrap().iter().map(active).collect();
    let expected = [("Nora", 1), ("Nils", 0), ("Suri", 0), ("Sam", 0)];
    assert_eq!(dealers, expected.map(|(name, active)| (name.to_owned(), active)));
    assert_eq!(deliver_to(&service, "nowhere")["status"], "refused");
}

#[test]
fn the_description_of_the_api_has_the_services_name_and_the_parameters_of_lists() {
    let service = start();
    let (status, api) = service.call("GET", "/openapi.json", Value::Null);
    assert_eq!((status, &api["info"]["title"]), (200, &json!("delivery")));
    let parameter = |parameter: &Value| {
        (parameter["name"].as_str().unwrap().to_owned(), parameter["in"].clone(), parameter["required"].clone())
    };
    let parameters = api["paths"]["/deliveries"]["get"]["parameters"].as_array().unwrap().iter().map(parameter);
    let expected = ["order_id", "limit", "cursor"].map(|name| (name.to_owned(), json!("query"), json!(false)));
    assert_eq!(parameters.collect::<Vec<_>>(), expected);
}
