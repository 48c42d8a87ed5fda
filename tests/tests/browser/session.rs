//! Sessions that end: where people are afterwards.

use super::browser::{Browser, Look};
use super::shopping::{CUSTOMER, order_tea, shared_shop};

/// A token that another key has signed.
const OLD_TOKEN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6Im9sZCJ9.eyJzdWIiOiIwMTk4YzBkZSJ9.b2xk";

#[tokio::test]
async fn customer_whose_session_ends_in_a_form_comes_back_to_it_after_signing_in() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    browser.go("/order?sku=mug").await;
    browser.fill("quantity", "3").await;
    browser.driver.delete_cookies().await.unwrap();
    browser.press("Place the order").await;
    browser.wait_for_address("/sign-in").await;
    browser.press(CUSTOMER).await;
    browser.wait_for_address("/order").await;
    assert_eq!(browser.filled("quantity").await, "3");
    browser.press("Place the order").await;
    browser.wait_for_text("Pay 36.00 EUR").await;
    browser.close().await;
}

#[tokio::test]
async fn customer_whose_session_ends_before_paying_comes_back_to_the_payment() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let payment = format!("{}/payment", order_tea(&browser).await);
    browser.driver.delete_cookies().await.unwrap();
    browser.press("Pay 4.50 EUR").await;
    browser.wait_for_address("/sign-in").await;
    browser.press(CUSTOMER).await;
    browser.wait_for_address(&payment).await;
    browser.press("Pay 4.50 EUR").await;
    browser.wait_for_text("On its way").await;
    browser.close().await;
}

#[tokio::test]
async fn cookie_of_an_older_key_leads_to_signing_in_and_on() {
    let shop = shared_shop().await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.go("/sign-in").await;
    browser.driver.set_cookie("session", OLD_TOKEN).await.unwrap();
    browser.go("/orders?status=cancelled").await;
    browser.wait_for_address("/sign-in").await;
    browser.press(CUSTOMER).await;
    browser.wait_for_address("/orders").await;
    browser.wait_for_text("Your orders").await;
    browser.close().await;
}

#[tokio::test]
async fn nobody_is_led_to_another_site_after_signing_in() {
    let shop = shared_shop().await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.go("/sign-in?next=//evil.example/").await;
    browser.press(CUSTOMER).await;
    browser.wait_for_address("/").await;
    browser.wait_for_text("Good things").await;
    browser.close().await;
}

#[tokio::test]
async fn page_of_an_order_says_that_the_session_has_ended_and_goes_on_after_signing_in() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let order = order_tea(&browser).await;
    browser.go(&order).await;
    browser.wait_for_text("Waiting for payment").await;
    browser.driver.delete_cookies().await.unwrap();
    let elsewhere = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    elsewhere.go(&order).await;
    elsewhere.press("Cancel the order").await;
    browser.wait_for_text("Your session has ended.").await;
    browser.press("Sign in again").await;
    browser.press(CUSTOMER).await;
    browser.wait_for_address(&order).await;
    browser.wait_for_text("You cancelled the order.").await;
    elsewhere.close().await;
    browser.close().await;
}
