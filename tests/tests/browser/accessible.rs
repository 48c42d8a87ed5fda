//! The pages for people who see, hear or move differently: checked by axe-core. With SCREENSHOTS set to a directory,
//! each page is also kept as a picture, to be looked at.

use serde_json::{Value, json};
use testkit::workspace;

use super::browser::{Browser, Look};
use super::shopping::{CUSTOMER, order, order_tea, shared_shop};

/// Checks the page that a browser shows: nothing that axe calls serious or critical, nothing too wide or too small.
async fn check(browser: &Browser, page: &str) {
    check_with_axe(browser, page).await;
    let lost = browser.driver.execute(LOST).await.unwrap();
    assert_eq!(lost, json!([]), "{page}: wider than the window, or too small to be pressed with a finger");
}

/// Checks the page that a browser shows: nothing that axe calls serious or critical.
async fn check_with_axe(browser: &Browser, page: &str) {
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

/// Finds what is wider than the window, and what is pressed and lower than 44 pixels (WCAG 2.5.5), but for links in
/// sentences. A choice is pressed by its label.
const LOST: &str = "
    const root = document.documentElement, lost = [];
    if (root.scrollWidth > root.clientWidth) lost.push(`the page: ${root.scrollWidth} of ${root.clientWidth} pixels`);
    for (const element of document.querySelectorAll('a, button, summary, label.choice, input')) {
        const { height } = element.getBoundingClientRect();
        const isElsewhere = element.matches('p a, .skip, [type=radio], [type=hidden]') || !element.checkVisibility();
        if (!isElsewhere && height < 43.5) lost.push(`${element.outerHTML}: ${height} pixels`);
    }
    return lost;";

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
    let fault = "/orders/0198c0de-0000-7000-8000-00000000dead";
    for path in ["/orders", "/orders?status=cancelled", "/profile", "/order?sku=unicorn", fault, "/nowhere"] {
        browser.go(path).await;
        check(&browser, path).await;
    }
    browser.go("/api/messages").await;
    check_with_axe(&browser, "/api/messages").await;
    check_forms(&browser).await;
    browser.close().await;
}

/// Checks forms with something wrong, long texts and large amounts, as a customer who has no address yet.
async fn check_forms(browser: &Browser) {
    browser.go("/sign-in").await;
    browser.fill("name", &format!("Wolfeschlegelsteinhausen{}", "bergerdorff".repeat(10))).await;
    browser.fill("email", "long@example.com").await;
    browser.press("Start shopping").await;
    browser.wait_for_address("/").await;
    browser.go("/orders").await;
    check(browser, "no orders").await;
    browser.go("/order?sku=kettle&quantity=10000").await;
    browser.fill("line", &"Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch ".repeat(3)).await;
    browser.fill("zone", "far away").await;
    browser.press("Place the order").await;
    browser.wait_for_text("A zone is").await;
    check(browser, "order with something wrong").await;
    browser.fill("zone", "north").await;
    browser.press("Place the order").await;
    browser.wait_for_text("389,000.00 EUR are missing").await;
    check(browser, "payment without enough money").await;
    let order = browser.path().await.replace("/payment", "");
    browser.go(&order).await;
    browser.press("Change the address").await;
    browser.fill("zone", "far away").await;
    browser.press("Save the address").await;
    browser.wait_for_text("A zone is").await;
    check(browser, "address with something wrong").await;
    browser.go("/sign-in").await;
    check(browser, "sign in with a long name").await;
}

#[tokio::test]
async fn no_page_has_serious_findings_on_a_laptop() {
    check_all(Look::LAPTOP).await;
}

#[tokio::test]
async fn no_page_has_serious_findings_on_a_phone_in_the_dark() {
    check_all(Look::DARK_PHONE).await;
}

#[tokio::test]
async fn no_page_has_serious_findings_on_a_laptop_at_twice_the_size() {
    check_all(Look::TWICE_THE_SIZE).await;
}

#[tokio::test]
async fn nothing_moves_for_who_prefers_less_motion() {
    let shop = shared_shop().await;
    let browser = Browser::signed_in(&shop, Look::LAPTOP, CUSTOMER).await;
    let order = order_tea(&browser).await;
    for (preference, is_moving) in [("no-preference", true), ("reduce", false)] {
        let media = json!({"features": [{"name": "prefers-reduced-motion", "value": preference}]});
        browser.driver.developer_tools("Emulation.setEmulatedMedia", media).await.unwrap();
        browser.go(&order).await;
        let moving = browser.driver.execute("return document.getAnimations().length > 0").await.unwrap();
        assert_eq!(moving, is_moving, "{preference}");
    }
    browser.close().await;
}
