//! What changes while a person looks at a page: in another tab, by a second click, or by somebody else's order.

use super::browser::{Browser, Look};
use super::shopping::{CUSTOMER, order_tea, shared_shop};
use shop_tests::Request;

#[tokio::test]
async fn payment_that_is_pressed_twice_is_paid_once_and_going_back_leads_to_the_order() {
    let shop = shared_shop().await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.go("/sign-in").await;
    browser.fill("name", "Impatient").await;
    browser.fill("email", "impatient@example.com").await;
    browser.press("Start shopping").await;
    browser.wait_for_address("/").await;
    browser.go("/order?sku=tea").await;
    browser.fill("line", "1 Hill Road").await;
    browser.fill("zone", "north").await;
    browser.press("Place the order").await;
    browser.wait_for_text("Pay 4.50 EUR").await;
    let order = browser.path().await.replace("/payment", "");
    let twice = "const pay = document.querySelector('form[action$=pay] button'); pay.click(); pay.click();";
    browser.driver.execute(twice).await.unwrap();
    browser.wait_for_text("On its way").await;
    browser.driver.back().await.unwrap();
    browser.wait_for_address(&order).await;
    browser.wait_for_text("On its way").await;
    browser.go("/profile").await;
    let page = browser.wait_for_text("995.50 EUR").await;
    assert_eq!(page.matches("Order paid").count(), 1, "{page}");
    browser.close().await;
}

#[tokio::test]
async fn payment_that_was_declined_in_another_tab_is_told_kindly() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    order_tea(&browser).await;
    let other_tab = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    other_tab.go(&browser.path().await).await;
    other_tab.press("Don't pay").await;
    other_tab.wait_for_text("You decided not to pay.").await;
    browser.press("Pay 4.50 EUR").await;
    let page = browser.wait_for_text("That was too late: your order has gone on meanwhile.").await;
    assert!(page.contains("You decided not to pay."), "{page}");
    other_tab.close().await;
    browser.close().await;
}

#[tokio::test]
async fn product_that_is_sold_out_while_the_form_is_open_is_told_on_the_orders_page() {
    let shop = shared_shop().await;
    let sku = shop.product(1).await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    browser.go(&format!("/order?sku={sku}")).await;
    browser.wait_for_text("Only 1 left").await;
    let faster = shop.place(Request::new(&sku, 1, "north")).await;
    shop.payment(&faster).await;
    browser.press("Place the order").await;
    browser.wait_for_text("There are too few pieces left.").await;
    browser.press("To the products").await;
    browser.wait_for_address("/").await;
    browser.go(&format!("/order?sku={sku}")).await;
    let page = browser.wait_for_text("There is nothing left of it at the moment.").await;
    assert!(!page.contains("Place the order"), "{page}");
    shop.cancel(&faster).await;
    browser.close().await;
}

#[tokio::test]
async fn form_that_has_placed_an_order_offers_to_order_once_more_and_never_does_so_by_itself() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    browser.go("/order?sku=tea").await;
    let id = "return document.querySelector('[name=order_id]').value";
    let first = browser.driver.execute(id).await.unwrap();
    browser.press("Place the order").await;
    browser.wait_for_text("Pay 4.50 EUR").await;
    browser.go("/order?sku=tea").await;
    // As a browser does that goes back to the page as it was.
    let as_it_was = format!("document.querySelector('[name=order_id]').value = {first}");
    browser.driver.execute(&as_it_was).await.unwrap();
    browser.fill("quantity", "2").await;
    browser.press("Place the order").await;
    browser.wait_for_text("This form placed an order before").await;
    assert_eq!(browser.filled("quantity").await, "2");
    assert_ne!(browser.driver.execute(id).await.unwrap(), first);
    browser.press("Place the order").await;
    browser.wait_for_text("Pay 9.00 EUR").await;
    browser.close().await;
}
