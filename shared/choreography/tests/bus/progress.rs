//! The notes of services, on a real server: who may write which, and what an operator sees.

use choreography::bus::{Bus, BusError, Progress};
use serde_json::{Value, json};

use crate::server::{Server, request};
use crate::soon;

fn note(position: u64) -> Progress {
    Progress { position, ..Progress::default() }
}

#[tokio::test]
async fn a_service_writes_its_own_note_and_reads_all() {
    let server = Server::provisioned().await;
    let admin = server.bus("admin").connect().await.unwrap();
    admin.note_progress("order", &note(5)).await.unwrap();
    let payment = server.bus("payment").connect().await.unwrap();
    payment.note_progress("payment", &note(7)).await.unwrap();
    assert_eq!(payment.progress("order").await, Ok(Some(note(5))));
    assert_eq!(admin.progress("payment").await, Ok(Some(note(7))));
    let refused = soon("a refusal", payment.note_progress("order", &note(9))).await;
    assert!(matches!(&refused, Err(BusError::Refused(text)) if text.contains("ermission")), "{refused:?}");
    assert_eq!(admin.progress("order").await, Ok(Some(note(5))));
}

#[tokio::test]
async fn an_operator_reads_a_note_as_json_from_a_bucket() {
    let server = Server::provisioned().await;
    server.bus("admin").connect().await.unwrap().note_progress("payment", &note(7)).await.unwrap();
    let admin = server.admin().await;
    // As `nats kv get PROGRESS payment` does it: a bucket keeps some messages of each key, and is read directly.
    let config = request(&admin, "$JS.API.STREAM.INFO.KV_PROGRESS", Value::Null).await["config"].take();
    assert_eq!((&config["max_msgs_per_subject"], &config["allow_direct"]), (&json!(1), &json!(true)));
    let read = request(&admin, "$JS.API.DIRECT.GET.KV_PROGRESS.$KV.PROGRESS.payment", Value::Null).await;
    assert_eq!(read["position"], json!(7));
}

#[tokio::test]
async fn notes_survive_a_restart_of_the_server() {
    let server = Server::provisioned().await;
    server.bus("admin").connect().await.unwrap().note_progress("payment", &note(7)).await.unwrap();
    server.kill();
    server.start_again().await;
    assert_eq!(server.bus("admin").connect().await.unwrap().progress("payment").await, Ok(Some(note(7))));
}
