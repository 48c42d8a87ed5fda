//! The page that shows the API: Swagger UI, from the gateway alone.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shop_tests::PATIENCE;
use testkit::until;

use super::browser::{Browser, Look};
use super::shopping::shared_shop;

/// Collects what goes wrong on a page, from before its own scripts run.
const COLLECT: &str = "window.faults = [];
    const note = fault => window.faults.push(String(fault));
    addEventListener('error', event => note(event.message || `can't load ${event.target.src || event.target.href}`), true);
    addEventListener('unhandledrejection', event => note(event.reason));
    document.addEventListener('securitypolicyviolation', event => note(`${event.violatedDirective} ${event.blockedURI}`));
    console.error = (...parts) => note(parts.join(' '));";
/// Returns every operation that the page shows.
const SHOWN: &str = "return [...document.querySelectorAll('.opblock')].map(block =>
    `${block.querySelector('.opblock-summary-method').textContent.toLowerCase()} ${block.querySelector('[data-path]').dataset.path}`)";
/// Returns everything that the page has loaded.
const LOADED: &str =
    "return performance.getEntriesByType('resource').map(loaded => `${loaded.responseStatus} ${loaded.name}`)";

fn texts(list: &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_page_of_the_api_shows_all_of_it_and_loads_nothing_from_elsewhere() {
    let shop = shared_shop().await;
    let browser = Browser::open(&shop, Look::LAPTOP).await;
    browser.driver.developer_tools("Page.addScriptToEvaluateOnNewDocument", json!({"source": COLLECT})).await.unwrap();
    let document = shop.get("gateway", "/openapi.json").await.ok();
    let paths = document["paths"].as_object().unwrap();
    let operations = paths
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}")));
    let operations: BTreeSet<String> = operations.collect();
    assert!(operations.contains("post /api/orders") && operations.len() > 25, "{operations:?}");
    browser.go("/api/docs/").await;
    until("all of the API on the page", PATIENCE, async || {
        let shown = texts(&browser.driver.execute(SHOWN).await?);
        let (missing, more) = (operations.difference(&shown), shown.difference(&operations));
        let different: Vec<_> = missing.chain(more).collect();
        if different.is_empty() { Ok(()) } else { Err(format!("different: {different:?}")) }
    })
    .await;
    // An operation that is opened shows its parameters.
    browser.driver.execute("document.querySelector('.opblock-summary-control').click()").await.unwrap();
    browser.wait_for_text("Parameters").await;
    assert_eq!(browser.driver.execute("return window.faults").await.unwrap(), json!([]));
    let loaded = texts(&browser.driver.execute(LOADED).await.unwrap());
    let own = format!("200 {}/", shop.premises.service("gateway").url);
    assert!(
        loaded.len() > 3 && loaded.iter().all(|name| name.starts_with(&own) || name.contains(" data:")),
        "{loaded:?}"
    );
    browser.close().await;
}
