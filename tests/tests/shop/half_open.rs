//! Callers who begin a request and never end it keep nobody out.

use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shop_tests::{Plan, Shop};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// More than the open files that the service may have.
const CALLERS: usize = 1_050;

#[tokio::test]
async fn a_thousand_half_open_requests_keep_nobody_out() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap(); // this test has as many sockets
    let shop = Shop::open_with(Plan::new().set("order", "OPEN_FILES_MAX", "1024")).await;
    let address = shop.premises.service("order").url.strip_prefix("http://").unwrap().to_owned();
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let mut caller = TcpStream::connect(&address).await.unwrap();
        caller.write_all(b"GET /orders HTTP/1.1\r\nhost:").await.unwrap();
        callers.push(caller);
    }
    // A new client, so that its connection is new as well. It waits for none of the others' time-outs.
    let client = reqwest::Client::builder().timeout(Duration::from_secs(5)).build().unwrap();
    let response = client.get(format!("http://{address}/orders")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let order = shop.order_automatic("tea", 1, "north").await;
    shop.expect(&order, "completed").await;
    let log = shop.premises.process("order").log();
    assert!(log.contains("896 fit into the limit of 1024 open files") && !log.contains("can be accepted"), "{log}");
}
