//! Who is taken for whom, by a request's cookie or its `authorization`.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};

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
