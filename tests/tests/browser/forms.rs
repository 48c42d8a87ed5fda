//! Forms with something wrong in them, and the address of an order that is under way.

use super::browser::{Browser, Look};
use super::shopping::{CUSTOMER, order_tea, shared_shop};

/// Orders tea, and goes to the order's page.
async fn order_of_tea(browser: &Browser) -> String {
    let order = order_tea(browser).await;
    browser.go(&order).await;
    order
}

#[tokio::test]
async fn order_with_something_wrong_keeps_what_was_written_and_says_it_beside_the_field() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::WITHOUT_SCRIPTS, CUSTOMER).await;
    browser.go("/order?sku=tea").await;
    browser.press("Another address").await;
    browser.fill("quantity", "3").await;
    browser.fill("line", "9 New Street").await;
    browser.fill("zone", "far away").await;
    browser.press("At once").await;
    browser.press("Place the order").await;
    browser.wait_for_text("A zone is 1 to 64 of a-z, 0-9 and '-'.").await;
    assert_eq!(browser.focused().await, "zone");
    for (field, text) in [("quantity", "3"), ("line", "9 New Street"), ("zone", "far away")] {
        assert_eq!(browser.filled(field).await, text);
    }
    browser.fill("zone", "North").await;
    browser.press("Place the order").await;
    browser.wait_for_text("9 New Street").await;
    browser.reload_until_text("On its way").await;
    browser.close().await;
}

#[tokio::test]
async fn address_of_a_pending_order_is_changed_without_scripts() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::WITHOUT_SCRIPTS, CUSTOMER).await;
    let order = order_of_tea(&browser).await;
    browser.press("Change the address").await;
    browser.fill("line", " ").await;
    browser.fill("zone", "far away").await;
    browser.press("Save the address").await;
    let page = browser.wait_for_text("An address has 1 to 500 characters").await;
    assert!(page.contains("A zone is"), "{page}");
    assert_eq!((browser.focused().await, browser.filled("zone").await), ("line".to_owned(), "far away".to_owned()));
    browser.fill("line", "9 New Street").await;
    browser.fill("zone", "north").await;
    browser.press("Save the address").await;
    let page = browser.wait_for_text("Your order goes to the new address.").await;
    assert!(page.contains("9 New Street\nZone north"), "{page}");
    assert_eq!(browser.path().await, order);
    browser.close().await;
}

#[tokio::test]
async fn address_of_an_order_that_was_paid_meanwhile_is_not_changed_and_the_customer_is_told_so() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::WITHOUT_SCRIPTS, CUSTOMER).await;
    let order = order_of_tea(&browser).await;
    browser.press("Change the address").await;
    browser.fill("line", "9 New Street").await;
    let elsewhere = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    elsewhere.go(&format!("{order}/payment")).await;
    elsewhere.press("Pay 4.50 EUR").await;
    let page = elsewhere.wait_for_text("On its way").await;
    assert!(!page.contains("Change the address"), "{page}");
    browser.press("Save the address").await;
    let page = browser.wait_for_text("That was too late: your order has gone on meanwhile.").await;
    assert!(page.contains("7 Harbour Street") && page.contains("On its way"), "{page}");
    elsewhere.close().await;
    browser.close().await;
}

#[tokio::test]
async fn profile_with_something_wrong_is_not_saved_and_says_it_beside_the_field() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, "Alan Turing").await;
    browser.go("/profile").await;
    browser.fill("zone", "far away").await;
    browser.press("Save").await;
    browser.wait_for_text("A zone is").await;
    assert_eq!((browser.focused().await, browser.filled("zone").await), ("zone".to_owned(), "far away".to_owned()));
    browser.go("/profile").await;
    assert_eq!(browser.filled("zone").await, "north");
    browser.press("Save").await;
    browser.wait_for_text("Your profile is saved.").await;
    browser.close().await;
}
