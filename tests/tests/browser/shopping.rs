//! Ordering, paying, cancelling, and watching an order, in a browser.

use std::sync::Arc;

use shop_tests::{Plan, Premises, Shop};
use tokio::sync::OnceCell;

use super::browser::{Browser, Look};

/// A customer of the demonstration whose orders can be delivered.
pub const CUSTOMER: &str = "Grace Hopper";
/// A customer of the demonstration to whom nobody delivers.
const CASTAWAY: &str = "Robinson Crusoe";

/// Returns the shop that the tests of the pages share.
pub async fn shared_shop() -> Shop {
    static PREMISES: OnceCell<Arc<Premises>> = OnceCell::const_new();
    Shop::shared(&PREMISES, Plan::new().without_limits()).await
}

/// Orders a product, and waits for the payment.
pub async fn order(browser: &Browser, product: &str, quantity: u32) {
    browser.go("/").await;
    browser.press(&format!("Order {product}")).await;
    browser.fill("quantity", &quantity.to_string()).await;
    browser.press("Place the order").await;
}

/// Orders a piece of tea, and waits for the payment. Returns the path of the order's page.
pub async fn order_tea(browser: &Browser) -> String {
    order(browser, "Tea", 1).await;
    browser.wait_for_text("Pay 4.50 EUR").await;
    browser.path().await.replace("/payment", "")
}

#[tokio::test]
async fn customer_orders_pays_and_sees_the_order_complete_without_loading_the_page_again() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    order(&browser, "Tea", 2).await;
    browser.press("Pay 9.00 EUR").await;
    browser.wait_for_text("What happened").await;
    browser.driver.execute("window.stayed = true").await.unwrap();
    browser.wait_for_text("On its way").await;
    browser.wait_for_text("You have mail").await;
    let stayed = browser.driver.execute("return window.stayed === true").await.unwrap();
    assert_eq!(stayed, true, "the page was loaded again");
    for station in ["Order", "Stock", "Payment", "Delivery", "Mail"] {
        assert_eq!(browser.station(station).await, "done", "{station}");
    }
    browser.close().await;
}

#[tokio::test]
async fn customer_with_too_little_money_is_told_so_and_deposits() {
    let shop = shared_shop().await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.go("/sign-in").await;
    browser.fill("name", "Rich Soon").await;
    browser.fill("email", "soon@example.com").await;
    browser.press("Start shopping").await;
    browser.wait_for_address("/").await;
    browser.press("Order Kettle").await;
    browser.fill("quantity", "30").await;
    browser.fill("line", "1 Hill Road").await;
    browser.fill("zone", "north").await;
    browser.press("Place the order").await;
    browser.wait_for_text("There is not enough money in your wallet: 170.00 EUR").await;
    browser.press("Deposit").await;
    browser.press("Pay 1,170.00 EUR").await;
    browser.wait_for_text("On its way").await;
    browser.close().await;
}

#[tokio::test]
async fn customer_who_does_not_pay_sees_the_order_cancelled_and_the_stock_put_back() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    order(&browser, "Mug", 1).await;
    browser.press("Don't pay, and cancel").await;
    browser.wait_for_text("You decided not to pay.").await;
    browser.wait_for_text("Back on the shelf").await;
    assert_eq!(browser.station("Payment").await, "failed");
    assert_eq!(browser.station("Stock").await, "undone");
    browser.close().await;
}

#[tokio::test]
async fn without_a_dealer_the_money_comes_back_before_the_customers_eyes() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CASTAWAY).await;
    order(&browser, "Tea", 1).await;
    browser.press("Pay 4.50 EUR").await;
    browser.wait_for_text("Nobody delivers to this zone at the moment.").await;
    browser.wait_for_text("Money is back in your wallet").await;
    for (station, class) in [("Stock", "undone"), ("Payment", "undone"), ("Delivery", "failed")] {
        assert_eq!(browser.station(station).await, class, "{station}");
    }
    browser.wait_for_text("You have mail").await;
    browser.keep_picture("no dealer").await;
    browser.close().await;
}

#[tokio::test]
async fn everything_works_without_scripts() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::WITHOUT_SCRIPTS, CUSTOMER).await;
    order(&browser, "Tea", 1).await;
    browser.press("Pay 4.50 EUR").await;
    browser.reload_until_text("On its way").await;
    browser.press("Orders").await;
    browser.wait_for_text("1 × Tea").await;
    browser.press("Profile").await;
    browser.fill("name", CUSTOMER).await;
    browser.press("Save").await;
    browser.press("Sign out").await;
    browser.wait_for_address("/sign-in").await;
    assert!(browser.has_no_cookie().await, "the session is not over");
    browser.close().await;
}

#[tokio::test]
async fn keyboard_alone_leads_to_the_content_and_through_the_navigation() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    browser.go("/").await;
    let mut reached = Vec::new();
    for _ in 0..6 {
        browser.driver.press_tab().await.unwrap();
        let focused = browser.driver.focused().await.unwrap();
        reached.push(browser.driver.text(&focused).await.unwrap());
    }
    assert_eq!(reached[0], "Skip to the content");
    assert!(reached.iter().any(|text| text == "Orders"), "{reached:?}");
    browser.close().await;
}
