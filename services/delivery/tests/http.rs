//! Deliveries and dealers over HTTP, on a real database.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::time::Duration;

use choreography_axum::testing::TestService;
use contracts::{Address, CreateDelivery, NAMESPACE, OrderId};
use delivery::{choreography, demo, http};
use serde_json::{Value, json};
use testkit::until;
use uuid::Uuid;

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(20);

async fn start() -> TestService {
    TestService::start_with(choreography(), &sqlx::migrate!(), NAMESPACE, http::routes()).await
}

/// Returns the delivery of a new order to a zone, once there is one.
async fn deliver_to(service: &TestService, zone: &str) -> Value {
    let order_id: OrderId = service.service().new_id();
    let address = Address { zone: zone.parse().unwrap(), line: "1 Hill Road".into() };
    service.publish("order", &CreateDelivery { order_id, address });
    until("a delivery", PATIENCE, async || {
        let listed = service.call("GET", &format!("/deliveries?order_id={order_id}"), Value::Null).await.1;
        listed["items"].get(0).cloned().ok_or(listed)
    })
    .await
}

async fn dealers(service: &TestService, zone: &str) -> Value {
    service.call("GET", &format!("/dealers?zone={zone}"), Value::Null).await.1["items"].take()
}

#[tokio::test]
async fn a_delivery_takes_a_place_until_it_is_complete() {
    let service = start().await;
    let ann = json!({"name": "Ann", "zone": "hills", "capacity": 1});
    let dealer = |active: u32| json!({"name": "Ann", "zone": "hills", "capacity": 1, "active": active});
    for _ in 0..2 {
        // The second time under the same key.
        assert_eq!(service.call("POST", "/dealers", ann.clone()).await, (201, dealer(0)));
    }
    let delivery = deliver_to(&service, "hills").await;
    assert_eq!((&delivery["status"], &delivery["dealer"]), (&json!("assigned"), &json!("Ann")));
    assert_eq!(dealers(&service, "hills").await, json!([dealer(1)]));
    assert_eq!(deliver_to(&service, "hills").await["reason"], "no-dealer");
    let path = format!("/deliveries/{}", delivery["id"].as_str().unwrap());
    assert_eq!(service.call("GET", &path, Value::Null).await, (200, delivery));
    for _ in 0..2 {
        let (status, completed) = service.call("POST", &format!("{path}/complete"), Value::Null).await;
        assert_eq!((status, &completed["status"]), (200, &json!("completed")));
    }
    assert_eq!(dealers(&service, "hills").await, json!([dealer(0)]));
    assert_eq!(service.call("GET", "/deliveries", Value::Null).await.1["items"].as_array().unwrap().len(), 2);
    service.stop().await;
}

#[tokio::test]
async fn an_impossible_request_is_refused_with_a_problem() {
    let service = start().await;
    service.call("POST", "/dealers", json!({"name": "Ann", "zone": "hills", "capacity": 1})).await;
    let nowhere = deliver_to(&service, "nowhere").await["id"].as_str().unwrap().to_owned();
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
        let (received, problem) = service.call(method, &path, body.clone()).await;
        assert_eq!((received, problem["type"].as_str()), (status, Some(kind)), "{method} {path} {body}: {problem}");
    }
    service.stop().await;
}

#[tokio::test]
async fn the_demonstration_can_begin_again_without_a_reset() {
    let service = start().await;
    demo::hire_dealers(service.service()).await.unwrap();
    deliver_to(&service, "north").await;
    demo::hire_dealers(service.service()).await.unwrap();
    let active = |dealer: &Value| (dealer["name"].as_str().unwrap().to_owned(), dealer["active"].as_u64().unwrap());
    let dealers = service.call("GET", "/dealers", Value::Null).await.1;
    let dealers: Vec<_> = dealers["items"].as_array().unwrap().iter().map(active).collect();
    let expected = [("Nora", 1), ("Nils", 0), ("Suri", 0), ("Sam", 0)];
    assert_eq!(dealers, expected.map(|(name, active)| (name.to_owned(), active)));
    assert_eq!(deliver_to(&service, "nowhere").await["status"], "refused");
    service.stop().await;
}

#[tokio::test]
async fn the_description_of_the_api_has_the_services_name_and_the_parameters_of_lists() {
    let service = start().await;
    let (status, api) = service.call("GET", "/openapi.json", Value::Null).await;
    assert_eq!((status, &api["info"]["title"]), (200, &json!("delivery")));
    let parameter = |parameter: &Value| {
        (parameter["name"].as_str().unwrap().to_owned(), parameter["in"].clone(), parameter["required"].clone())
    };
    let parameters = api["paths"]["/deliveries"]["get"]["parameters"].as_array().unwrap().iter().map(parameter);
    let expected = ["order_id", "limit", "cursor"].map(|name| (name.to_owned(), json!("query"), json!(false)));
    assert_eq!(parameters.collect::<Vec<_>>(), expected);
    service.stop().await;
}
