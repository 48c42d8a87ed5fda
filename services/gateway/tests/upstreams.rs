//! Which requests to the services behind the gateway are sent again, and where.
#![allow(clippy::unwrap_used, reason = "a test fails with a panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use choreography::Clock;
use clap::Parser;
use gateway::upstreams::{Ask, Upstream, UpstreamSettings, Upstreams};
use http_body_util::BodyExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;

#[derive(Parser)]
struct Settings {
    #[command(flatten)]
    upstreams: UpstreamSettings,
}

/// A service that refuses the first requests, and counts all of them.
struct StandIn {
    url: String,
    requests: Arc<AtomicU32>,
}

impl StandIn {
    async fn refusing(first: u32, status: StatusCode) -> Self {
        Self::start(move |number| if number < first { status } else { StatusCode::OK }).await
    }

    async fn replying(statuses: [StatusCode; 3]) -> Self {
        Self::start(move |number| statuses[number as usize]).await
    }

    async fn start(status: impl Fn(u32) -> StatusCode + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU32::new(0));
        let count = requests.clone();
        let app = Router::new().fallback(move || {
            let status = status(count.fetch_add(1, Ordering::SeqCst));
            let headers = (status == StatusCode::CONFLICT).then_some([("retry-after", "1")]);
            async move { (status, headers, axum::Json(json!({"detail": "not now"}))).into_response() }
        });
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, requests }
    }

    /// Returns a service that breaks the connection when it has received a request, as one that is killed does.
    async fn breaking() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(AtomicU32::new(0));
        let count = requests.clone();
        tokio::spawn(async move {
            loop {
                let (mut caller, _) = listener.accept().await.unwrap();
                if caller.read(&mut [0; 4_096]).await.unwrap() > 0 {
                    count.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        Self { url, requests }
    }

    /// Returns a service that begins a stream of events, and then says nothing more, as one that is stopped does.
    async fn stalling() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            let (mut caller, _) = listener.accept().await.unwrap();
            assert!(caller.read(&mut [0; 4_096]).await.unwrap() > 0);
            let begin = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 100\r\n\r\ndata: 1\n\n";
            caller.write_all(begin.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        Self { url, requests: Arc::default() }
    }

    fn requests(&self) -> u32 {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

fn upstreams(urls: &[&str]) -> Upstreams {
    let arguments = ["gateway".to_owned(), "--order-url".to_owned(), urls.join(",")];
    Upstreams::new(&Settings::parse_from(arguments).upstreams, Clock::system())
}

async fn status(upstreams: &Upstreams, ask: Ask) -> u16 {
    upstreams.ask(ask).await.map_or_else(|problem| problem.status, |_| 200)
}

fn get() -> Ask {
    Ask::get(Upstream::Order, "/orders")
}

fn post() -> Ask {
    Ask::post(Upstream::Order, "/orders").json(&json!({}))
}

#[tokio::test]
async fn only_what_may_be_repeated_is_sent_again() {
    let busy = StatusCode::SERVICE_UNAVAILABLE;
    for (why, ask, refusal, expected, requests) in [
        ("a GET", get(), busy, 200, 3),
        ("a POST", post(), busy, 503, 1),
        ("a POST with a key", post().key("ada-1"), busy, 200, 3),
        ("a POST that may be repeated", post().repeatable(), busy, 200, 3),
        ("an answer that will not change", get(), StatusCode::NOT_FOUND, 404, 1),
        ("a fault", get(), StatusCode::INTERNAL_SERVER_ERROR, 500, 1),
        ("a service that refuses the gateway", get(), StatusCode::UNAUTHORIZED, 502, 1),
    ] {
        let service = StandIn::refusing(2, refusal).await;
        assert_eq!(status(&upstreams(&[&service.url]), ask).await, expected, "{why}");
        assert_eq!(service.requests(), requests, "{why}");
    }
}

#[tokio::test]
async fn a_service_that_stays_busy_is_asked_four_times_and_no_more() {
    let service = StandIn::refusing(u32::MAX, StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!((status(&upstreams(&[&service.url]), get()).await, service.requests()), (503, 4));
}

#[tokio::test]
async fn a_request_that_may_have_been_executed_is_a_502_unless_it_may_be_sent_again() {
    let killed = StandIn::breaking().await;
    let upstreams = upstreams(&[&killed.url]);
    let problem = upstreams.ask(post()).await.unwrap_err();
    assert_eq!((problem.status, problem.kind.as_str(), killed.requests()), (502, "urn:problem:outcome-unknown", 1));
    assert!(!problem.into_response().headers().contains_key("retry-after"), "it must not be repeated unseen");
    for ask in [get(), post().key("ada-1")] {
        let problem = upstreams.ask(ask).await.unwrap_err();
        let kind = "urn:problem:upstream-unavailable";
        assert_eq!((problem.status, problem.kind.as_str(), killed.requests()), (503, kind, 4));
        assert!(problem.into_response().headers().contains_key("retry-after"));
    }
}

/// The service has received a first try, and is slower than the gateway's patience: the second finds its key in use.
#[tokio::test]
async fn a_key_that_an_own_earlier_try_uses_is_waited_for_and_one_of_another_request_is_not() {
    for (replies, expected, requests) in [([503, 409, 200], 200, 3), ([409, 200, 200], 409, 1)] {
        let service = StandIn::replying(replies.map(|status| StatusCode::from_u16(status).unwrap())).await;
        assert_eq!(status(&upstreams(&[&service.url]), post().key("ada-1")).await, expected, "{replies:?}");
        assert_eq!(service.requests(), requests, "{replies:?}");
    }
}

#[tokio::test]
async fn an_instance_that_is_not_there_costs_no_request_and_both_others_share_the_load() {
    let (first, second) = (StandIn::refusing(0, StatusCode::OK).await, StandIn::refusing(0, StatusCode::OK).await);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let upstreams = upstreams(&[&first.url, &address, &second.url]);
    for number in 0..60 {
        let ask = if number % 2 == 0 { get() } else { post() };
        assert_eq!(status(&upstreams, ask).await, 200, "request {number}");
    }
    let (first, second) = (first.requests(), second.requests());
    assert_eq!(first + second, 60, "every request is executed once");
    assert!(first > 0 && second > 0, "{first} and {second}");
}

#[tokio::test]
async fn a_service_that_is_down_is_a_problem_with_the_time_to_try_again() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let problem = upstreams(&[&address]).ask(get()).await.unwrap_err();
    assert_eq!((problem.status, problem.kind.as_str()), (503, "urn:problem:upstream-unavailable"));
    let response = problem.into_response();
    assert_eq!(response.headers()["retry-after"], "1");
}

/// Order is stopped or its machine has vanished, while a story is followed there.
#[tokio::test]
async fn a_body_of_which_nothing_comes_any_more_ends_with_an_error() {
    let service = StandIn::stalling().await;
    let mut body = upstreams(&[&service.url]).send(get()).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "data: 1\n\n");
    tokio::time::pause();
    let begun = Instant::now();
    assert!(body.frame().await.unwrap().is_err());
    assert!(begun.elapsed() > Duration::from_secs(30), "two comments of order may get lost: {:?}", begun.elapsed());
}
