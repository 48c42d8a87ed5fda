//! Every service keeps what its `/openapi.json` says: schemathesis sends it requests that the document allows, and others
//! that it forbids, and checks every response. What is sent and checked is in `schemathesis.toml`.
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]

use shop_tests::{SERVICES, Shop};
use testkit::workspace;
use tokio::process::Command;

#[tokio::test]
async fn every_service_keeps_what_its_document_says() {
    let schemathesis = workspace().join(".tools/venv/bin/schemathesis");
    assert!(schemathesis.exists(), "there is no schemathesis: run 'make schemathesis', which installs it");
    let shop = Shop::open().await;
    let mut failures = String::new();
    for service in SERVICES {
        let document = format!("{}/openapi.json", shop.premises.service(service).url);
        let mut run = Command::new(&schemathesis);
        // This machine is never behind a proxy.
        run.args(["run", &document, "--no-color"]).env("NO_PROXY", "*").current_dir(workspace()).kill_on_drop(true);
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
