//! The pages for people who see, hear or move differently: checked by axe-core. With SCREENSHOTS set to a directory,
//! each page is also kept as a picture, to be looked at.

use serde_json::Value;
use testkit::workspace;

use super::browser::{Browser, Look};
use super::shopping::{CUSTOMER, order, shared_shop};

/// Checks the page that a browser shows: nothing that axe calls serious or critical.
async fn check(browser: &Browser, page: &str) {
    browser.keep_picture(page).await;
    let axe = std::fs::read_to_string(workspace().join(".tools/axe/axe.min.js")).expect("make tools installs axe-core");
    browser.driver.execute(&axe).await.unwrap();
    let run = "const done = arguments[arguments.length - 1]; axe.run().then(found => done(found.violations))";
    let found = browser.driver.execute_async(run).await.unwrap();
    let found = found.as_array().expect("axe finds a list").clone();
    let serious = |violation: &&Value| ["serious", "critical"].iter().any(|impact| violation["impact"] == *impact);
    let serious: Vec<String> = found
        .iter()
        .filter(serious)
        .map(|found| {
            let nodes = found["nodes"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|node| format!("{} {}", node["html"], node["failureSummary"]));
            format!("{}: {}", found["id"], nodes.collect::<Vec<_>>().join("\n  "))
        })
        .collect();
    assert!(serious.is_empty(), "{page}: {}", serious.join("\n"));
}

async fn check_all(look: Look) {
    let shop = shared_shop().await;
    let browser = Browser::open(&shop, look).await;
    browser.go("/sign-in").await;
    check(&browser, "sign in").await;
    browser.press(CUSTOMER).await;
    browser.wait_for_address("/").await;
    check(&browser, "products").await;
    browser.press("Order Tea").await;
    browser.filled("quantity").await;
    check(&browser, "order").await;
    order(&browser, "Mug", 1).await;
    browser.wait_for_text("Pay 12.00 EUR").await;
    check(&browser, "payment").await;
    browser.press("Pay 12.00 EUR").await;
    browser.wait_for_text("You have mail").await;
    check(&browser, "completed order").await;
    order(&browser, "Mug", 1).await;
    browser.press("Don't pay").await;
    browser.wait_for_text("Back on the shelf").await;
    check(&browser, "cancelled order").await;
    for path in ["/orders", "/profile", "/orders/0198c0de-0000-7000-8000-00000000dead", "/api/messages"] {
        browser.go(path).await;
        check(&browser, path).await;
    }
    browser.close().await;
}

#[tokio::test]
async fn no_page_has_serious_findings_on_a_laptop() {
    check_all(Look::LAPTOP).await;
}

#[tokio::test]
async fn no_page_has_serious_findings_on_a_phone_in_the_dark() {
    check_all(Look::DARK_PHONE).await;
}
