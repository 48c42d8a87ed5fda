//! Who is taken for whom, by a request's cookie or its `authorization`.

use std::future::pending;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

use crate::door::Door;

#[tokio::test]
async fn over_https_only_a_cookie_of_the_shops_own_host_is_a_session() {
    let door = Door::with_issuer().await;
    for (cookie, is_signed_in) in [("__Host-session", true), ("session", false)] {
        let seen = door.page_with(cookie, "/orders").await;
        assert_eq!(seen.status != StatusCode::SEE_OTHER, is_signed_in, "{cookie}: {seen:?}");
    }
}

#[tokio::test]
async fn authorization_of_another_scheme_is_told_which_one_to_send() {
    let door = Door::open(Router::new()).await;
    for authorization in ["Basic YWRhOnNlY3JldA==", "Bearer", "token"] {
        let request = Request::get("/api/orders").header("authorization", authorization);
        let refused = door.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
        assert!(refused.body.contains("send it as `Bearer <token>`"), "{}", refused.body);
        assert_eq!(refused.headers["www-authenticate"], "Bearer realm=\"shop\"", "{authorization}");
    }
}

/// To sign in is not possible either, and what was written in a form would be lost.
#[tokio::test]
async fn while_the_issuers_keys_are_unknown_nobody_is_sent_to_sign_in() {
    let page = Door::without_keys().await.page_with("__Host-session", "/profile").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{page:?}");
    assert!(page.body.contains("Not at the moment"), "{}", page.body);
}

#[tokio::test]
async fn profile_is_shown_while_the_wallet_does_not_respond() {
    let behind = Router::new()
        .route("/customers/{id}", get(|| async { Json(json!({"name": "Ada", "email": null, "addresses": []})) }))
        .route("/wallets/{*rest}", get(pending::<()>));
    let page = Door::open(behind).await.page("/profile").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("Ada") && page.body.contains("Your money is where it was"), "{}", page.body);
}
