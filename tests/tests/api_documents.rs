//! Every service keeps what its `/openapi.json` says: schemathesis sends it requests that the document allows, and others
//! that it forbids, and checks every response. What is sent and checked is in `schemathesis.toml`.
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]

use shop_tests::{Plan, SERVICES, Shop};
use testkit::{binary, workspace};
use tokio::process::Command;

/// Returns a token with which everything under `/api` is reached.
async fn operator_token() -> String {
    let customer = "0198c0de-0000-7000-8000-000000000001";
    let mut token = Command::new(binary("gateway").unwrap());
    let output = token.args(["token", "--operator", "--customer", customer]).output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn every_service_keeps_what_its_document_says() {
    let schemathesis = workspace().join(".tools/venv/bin/schemathesis");
    assert!(schemathesis.exists(), "there is no schemathesis: run 'make schemathesis', which installs it");
    let plan = ["CUSTOMER", "ADDRESS"]
        .iter()
        .fold(Plan::new(), |plan, whose| plan.set("gateway", &format!("{whose}_BURST"), "1000000"));
    let shop = Shop::open_with(plan).await;
    let mut failures = String::new();
    for service in SERVICES {
        let document = format!("{}/openapi.json", shop.premises.service(service).url);
        let mut run = Command::new(&schemathesis);
        run.args(["run", &document, "--no-color"]);
        if service == "gateway" {
            // The token goes out with every request, so none lacks it; tests/shop/gateway.rs sends requests without one.
            run.args(["--exclude-checks", "missing_required_header"]);
            run.args(["--header", &format!("Authorization: Bearer {}", operator_token().await)]);
        }
        // This machine is never behind a proxy.
        run.env("NO_PROXY", "*").current_dir(workspace()).kill_on_drop(true);
        let output = run.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        println!("{service}: {}", text.lines().last().unwrap_or_default());
        if !output.status.success() {
            failures += &format!("{service}:\n{text}{}\n", String::from_utf8_lossy(&output.stderr));
        }
    }
    assert!(failures.is_empty(), "{failures}");
    for service in shop.premises.services() {
        assert!(!service.process.log().contains("panicked"), "{}", service.process.last_lines(50));
    }
}
