//! Requests that are refused: people read what to do, and programs get a problem.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::{Json, Router};
use choreography::Service;
use choreography_axum::{Stopping, router};
use serde_json::{Value, json};
use shop_in_memory::CUSTOMER;

use crate::door::{Door, PAGE, Seen};

async fn send_form_of_other_site(door: &Door, accept: &str) -> Seen {
    let request = Request::post("/orders").header("accept", accept).header("cookie", format!("session={}", door.token));
    let request = request.header("origin", "https://evil.example").header("sec-fetch-site", "cross-site");
    door.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn form_of_another_site_is_refused_with_what_to_do_instead() {
    let door = Door::open(Router::new()).await;
    let page = send_form_of_other_site(&door, PAGE).await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.body.contains("nothing was changed: open the shop, and do it there."), "{}", page.body);
    let problem = send_form_of_other_site(&door, "*/*").await;
    assert_eq!(
        (problem.status, &problem.headers["content-type"]),
        (page.status, &"application/problem+json".parse().unwrap())
    );
    let problem: Value = serde_json::from_str(&problem.body).unwrap();
    assert_eq!(problem["type"], "urn:problem:other-site");
}

#[tokio::test]
async fn address_that_can_be_no_page_is_an_address_without_one_for_a_person() {
    let door = Door::open(Router::new()).await;
    for path in ["/orders/xyz", "/orders/xyz/payment", "/nowhere"] {
        let page = door.page(path).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.body.contains("Nothing here"), "{path}: {}", page.body);
    }
}

#[tokio::test]
async fn nobody_has_to_read_what_a_parser_expected() {
    let door = Door::open(Router::new()).await;
    for path in ["/orders/xyz", "/orders?status=lost", "/order?quantity=many&quantity=few"] {
        let page = door.page(path).await;
        let is_parsers = ["UUID", "deserialize", "variant", "query string"].iter().any(|word| page.body.contains(word));
        assert!(page.status.is_client_error() && !is_parsers, "{path}: {} {}", page.status, page.body);
    }
}

#[tokio::test]
async fn what_only_its_owner_may_see_stays_in_no_cache() {
    let door = Door::open(Router::new()).await;
    for path in ["/api/orders", "/api/products", "/orders/xyz", "/nowhere"] {
        assert_eq!(door.get(path).await.headers["cache-control"], "no-store", "{path}");
    }
}

#[tokio::test]
async fn program_reads_about_what_it_has_sent_only() {
    let service = Service::builder(order::choreography()).memory().start().await.unwrap();
    let door = Door::open(router(service, order::http::routes(), Stopping::default())).await;
    for query in ["limit=0x", "limit=0", "status=lost", "cursor=seven", "created_after=yesterday"] {
        let problem = door.get(&format!("/api/orders?{query}")).await;
        let name = query.split('=').next().unwrap();
        assert_eq!(problem.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(problem.body.contains(name) && !problem.body.contains(CUSTOMER), "{}", problem.body);
    }
}

#[tokio::test]
async fn person_reads_nothing_about_a_service_that_does_not_respond() {
    let down = async || (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"detail": "order has lost its database"})));
    let door = Door::open(Router::new().fallback(down)).await;
    let page = door.page("/orders").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.body.contains("Not at the moment") && page.body.contains("Try again</a>"), "{}", page.body);
    assert!(!page.body.contains("database"), "{}", page.body);
}
