//! The page of an order while services and connections come and go, and for who hears it or uses the keyboard.

use std::sync::Arc;

use shop_tests::{Plan, Premises, Shop};
use tokio::sync::{Mutex, OnceCell};

use super::browser::{Browser, Look};
use super::shopping::{CUSTOMER, order, order_tea};

/// Returns a shop whose services one test at a time ends and starts again.
async fn lonely_shop() -> Shop {
    static PREMISES: OnceCell<(Arc<Premises>, Arc<Mutex<()>>)> = OnceCell::const_new();
    Shop::alone(&PREMISES, Plan::new().without_limits()).await
}

async fn start_again(shop: &Shop, service: &str) {
    shop.premises.process(service).restart().unwrap();
    shop.premises.ready(shop.premises.service(service)).await;
}

#[tokio::test]
async fn order_that_is_placed_while_order_is_down_is_shown_and_goes_on_by_itself() {
    let shop = lonely_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    shop.premises.process("order").kill();
    order(&browser, "Tea", 1).await;
    browser.wait_for_text("One moment").await;
    browser.press("To the order").await;
    browser.wait_for_text("We received your order").await;
    browser.driver.execute("window.stayed = true").await.unwrap();
    start_again(&shop, "order").await;
    browser.wait_for_text("Waiting for payment").await;
    assert_eq!(browser.driver.execute("return window.stayed === true").await.unwrap(), true);
    browser.press("Cancel the order").await;
    browser.wait_for_text("You cancelled the order.").await;
    browser.close().await;
}

#[tokio::test]
async fn payment_is_made_while_order_is_down_and_its_page_goes_on_by_itself() {
    let shop = lonely_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    order_tea(&browser).await;
    shop.premises.process("order").kill();
    browser.press("Pay 4.50 EUR").await;
    browser.wait_for_text("can't see at the moment how far it is").await;
    start_again(&shop, "order").await;
    browser.wait_for_text("On its way").await;
    browser.close().await;
}

#[tokio::test]
async fn page_says_that_it_has_lost_its_connection_and_goes_on_when_that_is_back() {
    let shop = lonely_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let order = order_tea(&browser).await;
    browser.go(&order).await;
    browser.wait_for_text("Waiting for payment").await;
    shop.premises.process("gateway").kill();
    browser.wait_for_text("This page has lost its connection").await;
    start_again(&shop, "gateway").await;
    let elsewhere = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    elsewhere.go(&format!("{order}/payment")).await;
    elsewhere.press("Pay 4.50 EUR").await;
    let page = browser.wait_for_text("On its way").await;
    assert!(!page.contains("lost its connection"), "{page}");
    elsewhere.close().await;
    browser.close().await;
}

#[tokio::test]
async fn news_is_announced_once_and_the_focus_stays_where_it_was() {
    let shop = lonely_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let order = order_tea(&browser).await;
    browser.go(&order).await;
    let listen = "const region = document.getElementById('announced'); window.said = [];
        new MutationObserver(() => window.said.push(region.textContent)).observe(region, { childList: true });
        document.querySelector('#cancel button').focus(); document.querySelector('#cancel button').kept = true;";
    browser.driver.execute(listen).await.unwrap();
    shop.premises.process("delivery").kill();
    let elsewhere = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    elsewhere.go(&format!("{order}/payment")).await;
    elsewhere.press("Pay 4.50 EUR").await;
    browser.wait_for_text("We wrote you that it is paid.").await;
    let kept = browser.driver.execute("return document.activeElement.kept === true").await.unwrap();
    assert_eq!(kept, true, "the focus has moved, or the button was replaced");
    start_again(&shop, "delivery").await;
    browser.wait_for_text("You have mail").await;
    assert_eq!(browser.focused().await, "where-title", "the button is gone, and the focus lost with it");
    let said = browser.driver.execute("return window.said").await.unwrap();
    assert_eq!(said, serde_json::json!(["Paid", "On its way"]));
    elsewhere.close().await;
    browser.close().await;
}

#[tokio::test]
async fn forms_and_pages_do_without_the_services_that_they_can_do_without() {
    let shop = lonely_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    for service in ["customer", "wallet"] {
        shop.premises.process(service).kill();
    }
    browser.go("/order?sku=tea").await;
    browser.fill("line", "1 Hill Road").await;
    browser.fill("zone", "north").await;
    browser.press("Place the order").await;
    browser.wait_for_text("Your balance can't be shown at the moment.").await;
    browser.press("Pay 4.50 EUR").await;
    browser.wait_for_text("Asking your wallet").await;
    for service in ["customer", "wallet"] {
        start_again(&shop, service).await;
    }
    browser.wait_for_text("On its way").await;
    browser.close().await;
}
