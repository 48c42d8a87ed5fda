//! What other sites, and other customers, can't do.

use reqwest::{Method, StatusCode, redirect};
use shop_tests::Shop;

use super::browser::{Browser, Look};
use super::shopping::{CUSTOMER, order_tea, shared_shop};

const OTHER_CUSTOMER: &str = "Alan Turing";

/// Sends a form with the browser's cookie, as a page of another site would let a browser do it.
async fn send_form(shop: &Shop, browser: &Browser, path: &str, site: Option<&str>) -> StatusCode {
    let cookie = browser.cookie().await;
    let client = reqwest::Client::builder().redirect(redirect::Policy::none()).build().unwrap();
    let url = format!("{}{path}", shop.premises.service("gateway").url);
    let mut request =
        client.request(Method::POST, url).header("cookie", format!("session={}", cookie["value"].as_str().unwrap()));
    if let Some(site) = site {
        request = request.header("sec-fetch-site", site).header("origin", "https://evil.example");
    }
    request.send().await.unwrap().status()
}

#[tokio::test]
async fn form_of_another_site_changes_nothing() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let order = order_tea(&browser).await;
    for verb in ["pay", "decline", "cancel"] {
        let status = send_form(&shop, &browser, &format!("{order}/{verb}"), Some("cross-site")).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{verb}");
    }
    browser.go(&order).await;
    browser.wait_for_text("Waiting for payment").await;
    browser.close().await;
}

#[tokio::test]
async fn other_customers_orders_are_not_there() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let order = order_tea(&browser).await;
    let other = Browser::signed_in(&shop, Look::LAPTOP, OTHER_CUSTOMER).await;
    for path in [order.clone(), format!("{order}/payment")] {
        other.go(&path).await;
        other.wait_for_text("Nothing here").await;
    }
    other.close().await;
    browser.close().await;
}

#[tokio::test]
async fn session_is_out_of_the_reach_of_scripts_and_other_sites() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let cookie = browser.cookie().await;
    assert_eq!((&cookie["sameSite"], &cookie["httpOnly"]), (&"Lax".into(), &true.into()), "{cookie}");
    let seen = browser.driver.execute("return document.cookie").await.unwrap();
    assert_eq!(seen, "", "scripts see the session");
    browser.close().await;
}

#[tokio::test]
async fn page_runs_no_script_and_no_style_that_is_not_a_file_of_the_shop() {
    let shop = shared_shop().await;
    let reply = shop.request(Method::GET, "gateway", "/sign-in").send().await.unwrap();
    let policy = reply.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = reply.text().await.unwrap();
    let is_handler = |rest: &str| rest.trim_start_matches(|letter: char| letter.is_ascii_lowercase()).starts_with('=');
    let inline = page.contains(" style=") || page.contains("<style") || page.split(" on").skip(1).any(is_handler);
    assert!(!inline, "{page}");
}
