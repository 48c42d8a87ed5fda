//! What callers can't reach: other customers' pages of a list, and the services behind the gateway.

use std::sync::Arc;

use gateway::identity::Role;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use serde_json::{Value, json};
use shop_tests::{Plan, Premises, SERVICES, Shop};
use tokio::sync::OnceCell;

use super::{Visitor, id_of};
use crate::outcomes::shared_shop;

const GATEWAY_KEY: &[u8] = include_bytes!("../../../../services/gateway/src/tokens/development.pem");

/// Opens a shop whose services require the gateway: nobody else can look at its products, for the invariants.
async fn closed_shop() -> Shop {
    let key = testkit::workspace().join("services/gateway/src/tokens/development-public.pem");
    let behind = SERVICES.into_iter().filter(|service| *service != "gateway");
    let plan = behind.fold(Plan::new(), |plan, name| plan.set(name, "REQUIRE_GATEWAY", key.display().to_string()));
    static PREMISES: OnceCell<Arc<Premises>> = OnceCell::const_new();
    Shop::shared(&PREMISES, plan).await
}

/// Returns a token as the gateway signs it for a service.
fn identity_token(service: &str, issuer: &str, expires_in: i64, key: &EncodingKey) -> String {
    let expires = Timestamp::now().as_second() + expires_in;
    let claims = json!({"iss": issuer, "aud": service, "sub": "ada", "role": "operator", "exp": expires});
    encode(&Header::new(Algorithm::EdDSA), &claims, key).unwrap()
}

#[tokio::test]
async fn services_that_require_the_gateway_take_requests_by_nobody_else() {
    let shop = closed_shop().await;
    let ada = Visitor::new(&shop, Role::Customer);
    let completed = ada.order("automatic", "wait=8").await.ok();
    assert_eq!(completed["status"], "completed", "the gateway is taken");
    let key = EncodingKey::from_ed_pem(GATEWAY_KEY).unwrap();
    let lists = [
        ("order", "/orders"),
        ("inventory", "/products"),
        ("payment", "/payments"),
        ("wallet", &*format!("/wallets/{}", ada.id)),
        ("delivery", "/dealers"),
        ("notify", &*format!("/notifications?order_id={}", completed["id"].as_str().unwrap())),
        ("customer", "/customers"),
    ];
    for (service, path) in lists {
        let status = async |token: Option<String>| {
            let request = shop.request(Method::GET, service, path);
            let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
            shop.send(request).await.status
        };
        assert_eq!(status(None).await, 401, "{service} without a token");
        assert_eq!(status(Some(ada.token.clone())).await, 401, "{service} with a customer's token");
        let other = if service == "order" { "payment" } else { "order" };
        for (why, token, expected) in [
            ("the gateway's", identity_token(service, "gateway", 30, &key), 200),
            ("an expired", identity_token(service, "gateway", -30, &key), 401),
            ("another service's", identity_token(other, "gateway", 30, &key), 401),
            ("another issuer's", identity_token(service, "shop-development", 30, &key), 401),
        ] {
            assert_eq!(status(Some(token)).await, expected, "{service} with {why} token");
        }
        for path in ["/livez", "/readyz", "/metrics", "/circuits", "/openapi.json"] {
            assert_eq!(shop.get(service, path).await.status, 200, "{service}{path} is for supervisors");
        }
    }
}

#[tokio::test]
async fn a_cursor_of_another_customers_list_shows_only_what_is_ones_own() {
    let shop = shared_shop().await;
    let (ada, bob) = (Visitor::new(&shop, Role::Customer), Visitor::new(&shop, Role::Customer));
    let own = id_of(&ada.order("automatic", "wait=8").await);
    let order = bob.order("automatic", "wait=8").await.ok();
    let (order_id, payment, operation) = (&order["id"], &order["payment_id"], &order["operation_id"]);
    let [order_id, payment, operation] = [order_id, payment, operation].map(|id| id.as_str().unwrap());
    let lists = [
        "/api/orders?".to_owned(),
        format!("/api/payments?order_id={own}&"),
        format!("/api/deliveries?order_id={own}&"),
        format!("/api/notifications?order_id={own}&"),
        format!("/api/wallets/{}/operations?", ada.id),
    ];
    for list in lists {
        let page = ada.get(list.trim_end_matches(['?', '&'])).await.ok();
        assert!(!page["items"].as_array().unwrap().is_empty(), "{list}: {page}");
        for cursor in [order_id, payment, operation, &bob.id.to_string(), "garbage", "%00", "%ff", ""] {
            let reply = ada.get(&format!("{list}cursor={cursor}")).await;
            if reply.status == 400 {
                reply.problem(&[400]);
                continue;
            }
            let items = reply.clone().ok()["items"].as_array().unwrap().clone();
            let is_own = |item: &Value| {
                let text = item.to_string();
                text.contains(&own) || text.contains(&ada.id.to_string()) || item["kind"] == "opening"
            };
            assert!(items.iter().all(is_own), "{list}cursor={cursor}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn naming_two_customers_or_orders_reaches_nothing_of_the_second() {
    let shop = shared_shop().await;
    let (ada, bob) = (Visitor::new(&shop, Role::Customer), Visitor::new(&shop, Role::Customer));
    let [own, other] = [&ada, &bob].map(|visitor| visitor.order("automatic", "wait=8"));
    let (own, other) = (id_of(&own.await), id_of(&other.await));
    for path in [
        format!("/api/orders?customer_id={}&customer_id={}", ada.id, bob.id),
        format!("/api/orders?customer%5Fid={}", bob.id),
        format!("/api/orders?%63ustomer_id={}&status=completed", bob.id),
        format!("/api/orders?customer_id={}&customer%5Fid={}", ada.id, bob.id),
        format!("/api/payments?order_id={own}&order%5Fid={other}"),
        format!("/api/payments?order_id={own}&order_id={other}"),
        format!("/api/deliveries?order_id={own}&order%5Fid={other}"),
        format!("/api/notifications?order_id={own}&%6frder_id={other}"),
        format!("/api/wallets/{}%2f..%2f{}", ada.id, bob.id),
    ] {
        ada.get(&path).await.problem(&[400]);
    }
}
