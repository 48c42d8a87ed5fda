//! Connections of callers who are slow, silent or many.

use axum::routing::get;
use futures::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::*;

const LONG: Duration = Duration::from_secs(60);

async fn serve(app: Router, limits: Limits) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_connections(listener, app, limits, Stopping::default()));
    address
}

async fn send(address: std::net::SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

async fn response(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// Says when it is dropped.
struct Dropped(mpsc::Sender<()>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.try_send(());
    }
}

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
const HALF: &str = "GET / HTTP/1.1\r\nhost:";

fn app() -> Router {
    Router::new().route("/", get(|| async { "tea" }))
}

#[tokio::test]
async fn a_header_that_never_ends_is_cut_off() {
    let limits = Limits { header_time_max: Duration::from_millis(50), ..Limits::new(9) };
    let address = serve(app(), limits).await;
    for unfinished in ["", HALF, "GET / HTTP/1.1\r\nhost: shop\r\n\r\n"] {
        let end = response(send(address, unfinished).await).await;
        assert!(!end.contains("200 OK") || unfinished.ends_with("\r\n\r\n"), "{end}");
    }
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_one_that_has_sent_no_request() {
    let limits = Limits { header_time_max: LONG, write_time_max: LONG, connections_max: 2 };
    let address = serve(app(), limits).await;
    let (first, second) = (send(address, HALF).await, send(address, HALF).await);
    assert!(response(send(address, REQUEST).await).await.ends_with("tea"));
    assert_eq!(response(first).await, "");
    let rest = REQUEST.strip_prefix(HALF).unwrap();
    let mut second = second;
    second.write_all(rest.as_bytes()).await.unwrap();
    assert!(response(second).await.ends_with("tea"), "the second was not the longest");
}

/// Sends a request on a connection that stays open, and reads its response.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    let mut text = Vec::new();
    while !text.ends_with(b"tea") {
        assert!(stream.read_buf(&mut text).await.unwrap() > 0, "{}", String::from_utf8_lossy(&text));
    }
}

#[tokio::test]
async fn a_new_connection_takes_the_place_of_one_that_waits_between_requests() {
    let limits = Limits { header_time_max: LONG, write_time_max: LONG, connections_max: 2 };
    let address = serve(app(), limits).await;
    let (mut first, mut second) = (send(address, "").await, send(address, "").await);
    for stream in [&mut second, &mut first] {
        ask(stream).await;
    }
    assert!(response(send(address, REQUEST).await).await.ends_with("tea"));
    assert_eq!(response(second).await, "", "its last request is the older one");
    ask(&mut first).await;
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_dropped() {
    let (dropped, mut drops) = mpsc::channel(1);
    let endless = move || {
        let dropped = Dropped(dropped.clone());
        async move {
            let text = move || (&dropped, Ok::<_, std::io::Error>("tea\n".repeat(1_000))).1;
            Body::from_stream(stream::repeat_with(text))
        }
    };
    let limits = Limits { write_time_max: Duration::from_millis(50), ..Limits::new(9) };
    let address = serve(Router::new().route("/", get(endless)), limits).await;
    let _never_read = send(address, REQUEST).await;
    assert_eq!(drops.recv().await, Some(()));
}

#[tokio::test]
async fn requests_are_finished_when_the_service_stops() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, stopping) = (listener.local_addr().unwrap(), Stopping::default());
    let (entered, mut entries) = mpsc::channel(1);
    let (go, gone) = tokio::sync::watch::channel(false);
    let slow = move || async move {
        entered.send(()).await.unwrap();
        gone.clone().wait_for(|gone| *gone).await.unwrap();
        "tea"
    };
    let app = Router::new().route("/", get(slow));
    let serving = tokio::spawn(serve_connections(listener, app, Limits::new(9), stopping.clone()));
    let (running, silent) = (send(address, "GET / HTTP/1.1\r\nhost: shop\r\n\r\n").await, send(address, "").await);
    entries.recv().await.unwrap();
    stopping.begin();
    assert_eq!(response(silent).await, "");
    go.send(true).unwrap();
    assert!(response(running).await.ends_with("tea"));
    serving.await.unwrap();
}
