//! Signing in at an issuer of tokens, as in production.

use shop_tests::{Plan, Shop};
use testkit::free_port;

use super::browser::{Browser, Look};
use super::issuer::Issuer;

/// A customer of the demonstration.
const CUSTOMER: &str = "0198c0de-0000-7000-8000-000000000002";

/// Opens a shop whose visitors sign in at an issuer.
async fn shop_with(issuer: &Issuer) -> Shop {
    let listen = format!("127.0.0.1:{}", free_port().unwrap());
    let plan = Plan::new()
        .set("gateway", "TOKEN_KEYS", issuer.url("keys"))
        .set("gateway", "TOKEN_ISSUER", issuer.name())
        .set("gateway", "SIGN_IN_URL", issuer.url("authorize"))
        .set("gateway", "SIGN_IN_TOKEN_URL", issuer.url("token"))
        .set("gateway", "SIGN_IN_CLIENT_ID", "shop")
        .set("gateway", "PUBLIC_URL", format!("http://{listen}"))
        .set("gateway", "LISTEN", listen);
    Shop::open_with(plan).await
}

#[tokio::test]
async fn visitor_signs_in_at_the_issuer_and_sees_their_own_profile() {
    let issuer = Issuer::start(CUSTOMER).await;
    let shop = shop_with(&issuer).await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.go("/profile").await;
    browser.wait_for_address("/sign-in").await;
    browser.press("Sign in").await;
    browser.wait_for_address("/profile").await;
    assert_eq!(browser.filled("name").await, "Grace Hopper");
    let cookie = browser.driver.get("/cookie/__Host-session").await.unwrap();
    assert_eq!((&cookie["secure"], &cookie["path"]), (&true.into(), &"/".into()), "{cookie}");
    browser.close().await;
}

#[tokio::test]
async fn visitor_whose_token_no_browser_would_keep_is_told_so() {
    let issuer = Issuer::start_with_long_tokens(CUSTOMER).await;
    let shop = shop_with(&issuer).await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.go("/sign-in").await;
    browser.press("Sign in").await;
    browser.wait_for_text("The issuer's token is too long for a browser's cookie").await;
    browser.close().await;
}

#[tokio::test]
async fn code_that_another_browser_asked_for_signs_nobody_in() {
    let issuer = Issuer::start(CUSTOMER).await;
    let shop = shop_with(&issuer).await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.go("/sign-in/return?code=stolen&state=stolen").await;
    browser.wait_for_text("The issuer did not sign you in").await;
    assert!(browser.has_no_cookie().await);
    browser.close().await;
}
