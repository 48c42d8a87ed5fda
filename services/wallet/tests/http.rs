//! Wallets over HTTP.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use choreography_axum::testing::TestFace;
use contracts::NAMESPACE;
use serde_json::{Value, json};
use wallet::{choreography, http};

const ADA: &str = "/wallets/0198c0de-0000-7000-8000-00000000000a";

fn start(is_demo: bool) -> TestFace {
    TestFace::start(choreography(is_demo), NAMESPACE, http::routes())
}

fn euros(cents: i64) -> Value {
    json!({"amount_minor": cents, "currency": "EUR"})
}

fn put(service: &TestFace, cents: i64) -> (u16, Value) {
    service.call("POST", &format!("{ADA}/deposits"), json!({"amount": euros(cents)}))
}

#[test]
fn a_deposit_opens_a_wallet_and_counts_once_for_its_key() {
    let service = start(false);
    assert_eq!(service.call("GET", ADA, Value::Null).0, 404);
    assert_eq!(service.call("GET", &format!("{ADA}/operations"), Value::Null).0, 404);
    let first = put(&service, 500);
    assert_eq!((first.0, &first.1["kind"], &first.1["balance_after"]), (201, &json!("deposit"), &euros(500)));
    assert_eq!(put(&service, 500), first, "sent again with the same key");
    assert_eq!(put(&service, 200).1["balance_after"], euros(700));
    assert_eq!(service.call("GET", ADA, Value::Null).1["balances"], json!([euros(700)]));
}

#[test]
fn operations_are_listed_page_by_page_the_newest_first() {
    let service = start(false);
    for cents in 1..=3 {
        put(&service, cents);
        service.harness.advance(std::time::Duration::from_millis(5)); // ids of one millisecond have no order
    }
    let first = service.call("GET", &format!("{ADA}/operations?limit=2"), Value::Null).1;
    let cursor = first["next"].as_str().unwrap();
    let last = service.call("GET", &format!("{ADA}/operations?limit=2&cursor={cursor}"), Value::Null).1;
    let amounts = |page: &Value| -> Vec<Value> {
        page["items"].as_array().unwrap().iter().map(|operation| operation["amount"]["amount_minor"].clone()).collect()
    };
    assert_eq!(
        (amounts(&first), amounts(&last), &last["next"]),
        (vec![json!(3), json!(2)], vec![json!(1)], &Value::Null)
    );
}

#[test]
fn a_customer_of_a_demonstration_is_given_money_once_by_an_operation_that_says_so() {
    let service = start(true);
    for _ in 0..2 {
        assert_eq!(service.call("GET", ADA, Value::Null).1["balances"], json!([euros(100_000)]));
        let operations = service.call("GET", &format!("{ADA}/operations"), Value::Null).1;
        let operations = operations["items"].as_array().unwrap();
        assert_eq!((operations.len(), &operations[0]["kind"]), (1, &json!("opening")));
    }
}

#[test]
fn the_operation_that_opened_a_wallet_is_listed_last_whatever_id_its_customer_has() {
    let service = start(true);
    for first_byte in ["00", "7f", "ff"] {
        let wallet = format!("/wallets/{first_byte}98c0de-0000-4000-8000-00000000000a");
        service.call("GET", &wallet, Value::Null);
        service.harness.advance(std::time::Duration::from_secs(1));
        service.call("POST", &format!("{wallet}/deposits"), json!({"amount": euros(5)}));
        let operations = service.call("GET", &format!("{wallet}/operations"), Value::Null).1;
        let kinds: Vec<_> = operations["items"].as_array().unwrap().iter().map(|item| &item["kind"]).collect();
        assert_eq!(kinds, ["deposit", "opening"], "{wallet}");
    }
}

#[test]
fn an_amount_that_can_not_be_deposited_is_refused_with_a_problem() {
    let service = start(false);
    for amount in [
        json!({"amount_minor": 0, "currency": "EUR"}),
        json!({"amount_minor": -1, "currency": "EUR"}),
        json!({"amount_minor": 1_000_000_000_001i64, "currency": "EUR"}),
        json!({"amount_minor": 1.5, "currency": "EUR"}),
        json!({"amount_minor": 1, "currency": "euro"}),
        json!({"amount_minor": 1, "currency": "EUR", "fee": 1}),
    ] {
        let (status, problem) = service.call("POST", &format!("{ADA}/deposits"), json!({"amount": amount}));
        assert_eq!((status, &problem["type"]), (422, &json!("urn:problem:invalid-content")), "{amount}: {problem}");
    }
    assert_eq!(service.call("GET", ADA, Value::Null).0, 404);
}
