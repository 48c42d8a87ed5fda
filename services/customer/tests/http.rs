//! Profiles over HTTP.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use choreography_axum::testing::TestFace;
use contracts::NAMESPACE;
use customer::{choreography, demo, http};
use serde_json::{Value, json};

const ADA: &str = "/customers/0198c0de-0000-7000-8000-00000000000a";

fn start() -> TestFace {
    TestFace::start(choreography(), NAMESPACE, http::routes())
}

fn ada() -> Value {
    json!({"name": "Ada", "email": "ada@example.com", "addresses": [{"zone": "north", "line": "1 Hill Road"}]})
}

/// Returns a customer without the times.
fn timeless(mut customer: Value) -> Value {
    let fields = customer.as_object_mut().unwrap();
    assert!(fields.remove("created_at").is_some() && fields.remove("updated_at").is_some());
    customer
}

#[test]
fn a_profile_is_put_shown_and_replaced_as_a_whole() {
    let service = start();
    assert_eq!(service.call("GET", ADA, Value::Null).0, 404);
    let first = service.call("PUT", ADA, ada());
    assert_eq!(first.0, 200);
    let mut expected = ada();
    expected["id"] = json!(ADA.rsplit('/').next());
    assert_eq!(timeless(first.1.clone()), expected);
    assert_eq!(service.call("PUT", ADA, ada()), first, "put again it stays as it is");
    assert_eq!(service.call("GET", ADA, Value::Null), first);
    let bare = service.call("PUT", ADA, json!({"name": "Ada Lovelace"})).1;
    let expected = json!({"id": expected["id"], "name": "Ada Lovelace", "email": null, "addresses": []});
    assert_eq!(timeless(bare), expected);
}

#[test]
fn a_profile_that_can_not_be_used_is_refused_with_a_problem() {
    let service = start();
    let with = |pointer: &str, value: Value| {
        let mut profile = ada();
        *profile.pointer_mut(pointer).unwrap() = value;
        profile
    };
    let cases = [
        ("PUT", ADA, with("/name", json!(" ")), 422, "urn:problem:invalid-content"),
        ("PUT", ADA, with("/name", json!("Ada\u{202e}")), 422, "urn:problem:invalid-content"),
        ("PUT", ADA, with("/email", json!("ada")), 422, "urn:problem:invalid-content"),
        ("PUT", ADA, with("/addresses/0/zone", json!("North")), 422, "urn:problem:invalid-content"),
        (
            "PUT",
            ADA,
            with("/addresses", json!(vec![ada()["addresses"][0].clone(); 21])),
            422,
            "urn:problem:invalid-content",
        ),
        ("PUT", ADA, json!({"email": "ada@example.com"}), 422, "urn:problem:invalid-content"),
        ("PUT", "/customers/ada", ada(), 400, "urn:problem:invalid-path"),
        ("GET", "/customers/ada", Value::Null, 400, "urn:problem:invalid-path"),
        ("GET", "/customers?cursor=ada", Value::Null, 400, "urn:problem:invalid-query"),
    ];
    for (method, path, body, status, kind) in cases {
        let (received, problem) = service.call(method, path, body.clone());
        assert_eq!((received, problem["type"].as_str()), (status, Some(kind)), "{method} {path} {body}: {problem}");
    }
    assert_eq!(service.call("GET", ADA, Value::Null).0, 404);
}

#[test]
fn the_customers_of_the_demonstration_are_listed_page_by_page_and_keep_their_changes() {
    let service = start();
    let welcome = || service.harness.block_on(demo::welcome_customers(service.harness.service("customer"))).unwrap();
    welcome();
    let first = service.call("GET", "/customers?limit=3", Value::Null).1;
    let last = format!("/customers?limit=3&cursor={}", first["next"].as_str().unwrap());
    let last = service.call("GET", &last, Value::Null).1;
    assert_eq!((first["items"].as_array().unwrap().len(), last["next"].clone()), (3, Value::Null));
    assert_eq!(last["items"][0]["name"], "Robinson Crusoe");
    let grace = format!("/customers/{}", first["items"][1]["id"].as_str().unwrap());
    service.call("PUT", &grace, json!({"name": "Grace"}));
    welcome();
    assert_eq!(service.call("GET", &grace, Value::Null).1["name"], "Grace");
}
