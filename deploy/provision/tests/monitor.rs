//! The request to the server's monitoring port.

#![allow(clippy::unwrap_used, reason = "tests")]

use provision::monitor::describe_file_sync;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Returns the sentence about a monitoring port that replies with this body.
async fn sentence(body: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let serve = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let mut request = [0; 1_024];
        let read = client.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /varz HTTP/1.1\r\n"));
        client.write_all(reply.as_bytes()).await.unwrap();
        // The server leaves the connection open; the client has to close it.
        assert_eq!(client.read(&mut request).await.unwrap(), 0);
    };
    tokio::join!(describe_file_sync(&url), serve).0
}

#[tokio::test]
async fn sync_interval_is_explained() {
    let text = sentence(r#"{"jetstream":{"config":{"sync_interval":1000000000}}}"#).await;
    assert!(text.contains("every 1s (sync_interval)") && !text.contains("shorten"), "{text}");
}

#[tokio::test]
async fn sync_interval_that_is_too_long_is_pointed_out() {
    let text = sentence(r#"{"jetstream":{"config":{"sync_interval":120000000000}}}"#).await;
    assert!(text.contains("every 120s") && text.ends_with("shorten sync_interval"), "{text}");
}

#[tokio::test]
async fn unknown_sync_interval_is_no_error() {
    let text = sentence("{}").await;
    assert!(text.contains("is unknown") && text.contains("is JetStream on?"), "{text}");
    let text = describe_file_sync("http://admin:secret@127.0.0.1:1").await;
    assert!(text.contains("is unknown: http://127.0.0.1:1: "), "{text}");
}
