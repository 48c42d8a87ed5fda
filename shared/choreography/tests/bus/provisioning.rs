//! Provisioning a real server.

use std::error::Error;

use choreography::bus::{Bus, Stream};
use choreography::provision::{Plan, StreamPlan, provision};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::server::{Server, consumer, plan, request};
use crate::{publish, receive};

fn with_consumer(filters: &[&str]) -> Plan {
    Plan { consumers: vec![consumer("payment-0", filters)], ..plan() }
}

/// Returns what provisioning did, a line for each stream and consumer.
async fn changes(client: &async_nats::Client, plan: &Plan) -> Vec<String> {
    provision(client, plan).await.unwrap().iter().map(ToString::to_string).collect()
}

/// Returns the error of provisioning with its causes.
async fn failure(client: &async_nats::Client, plan: &Plan) -> String {
    let error = provision(client, plan).await.expect_err("the server can't be brought to the plan");
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

#[tokio::test]
async fn repeated_provisioning_changes_nothing() {
    let server = Server::empty().await;
    let admin = server.admin().await;
    let plan = with_consumer(&["order.create.*", "order.cancel.*"]);
    let lines = changes(&admin, &plan).await;
    assert_eq!(lines.len(), 4);
    assert!(lines.iter().all(|line| line.contains("created")), "{lines:?}");
    assert!(lines[0].starts_with("stream EVENTS: created") && lines[0].contains("can't be switched off"), "{lines:?}");
    let before = request(&admin, "$JS.API.STREAM.INFO.EVENTS", Value::Null).await["config"].clone();
    let lines = changes(&admin, &plan).await;
    assert!(lines.iter().all(|line| line.ends_with(": unchanged")), "{lines:?}");
    assert_eq!(request(&admin, "$JS.API.STREAM.INFO.EVENTS", Value::Null).await["config"], before);
}

#[tokio::test]
async fn streams_are_on_the_server_as_planned() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    for (stream, days) in [("EVENTS", 7_u64), ("DEAD_LETTERS", 30)] {
        let config = request(&admin, &format!("$JS.API.STREAM.INFO.{stream}"), Value::Null).await["config"].take();
        for (field, wanted) in [
            ("storage", json!("file")),
            ("retention", json!("limits")),
            ("discard", json!("old")),
            ("max_age", json!(days * 24 * 60 * 60 * 1_000_000_000)),
            ("max_bytes", json!(64 * 1024 * 1024)),
            ("max_msgs", json!(4_000_000)),
            ("max_msg_size", json!(72 * 1024)),
            ("allow_direct", json!(true)),
            ("deny_delete", json!(true)),
            ("deny_purge", json!(true)),
        ] {
            assert_eq!(config[field], wanted, "{stream} {field}");
        }
        for off in ["allow_rollup_hdrs", "allow_msg_ttl", "allow_msg_schedules", "allow_msg_counter", "allow_atomic"] {
            assert!(config[off].is_null() || config[off] == json!(false), "{stream} {off}");
        }
    }
    let purged = request(&admin, "$JS.API.STREAM.PURGE.EVENTS", Value::Null).await;
    assert!(purged["error"].is_object(), "{purged}");
}

#[tokio::test]
async fn difference_is_updated_in_place_where_the_server_can() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    let mut wider = plan();
    wider.streams[0].subjects.push("wallet.*.*".to_owned());
    wider.streams[0].bytes_max *= 2;
    let lines = changes(&admin, &wider).await;
    assert!(
        lines[0].starts_with("stream EVENTS: updated max_bytes (is 67108864, should be 134217728), subjects"),
        "{lines:?}"
    );
    assert!(lines[1].ends_with("unchanged"), "{lines:?}");
    assert!(changes(&admin, &wider).await[0].ends_with("unchanged"));
}

#[tokio::test]
async fn a_stream_for_which_the_server_has_no_room_is_an_error_that_says_where_to_make_room() {
    let server = Server::empty().await;
    let admin = server.admin().await;
    let large = plan().events_bytes_max(1 << 40);
    let created = failure(&admin, &large).await;
    provision(&admin, &plan()).await.unwrap();
    let updated = failure(&admin, &large).await;
    for text in [created, updated] {
        assert!(text.contains("stream EVENTS: the server has no room for its 1099511627776 bytes"), "{text}");
        assert!(text.contains("`max_file_store`") && !text.contains("stream rm"), "{text}");
    }
    assert!(changes(&admin, &plan()).await[0].ends_with("unchanged"));
}

#[tokio::test]
async fn a_bound_below_what_a_stream_has_stored_is_an_error_and_deletes_nothing() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    let connection = server.bus("admin").connect().await.unwrap();
    for _ in 0..3 {
        publish(&*connection, "order.create.o1", "a").await.unwrap();
    }
    for (lower, field) in [(plan().events_max(2), "3 (max_msgs)"), (plan().events_bytes_max(10), "(max_bytes)")] {
        let text = failure(&admin, &lower).await;
        assert!(text.contains("stream EVENTS") && text.contains(field) && text.contains("Plan at least"), "{text}");
    }
    let known = request(&admin, "$JS.API.STREAM.INFO.EVENTS", Value::Null).await;
    assert_eq!((&known["state"]["messages"], &known["config"]["max_msgs"]), (&json!(3), &json!(4_000_000)));
    let lines = changes(&admin, &plan().events_max(3)).await;
    assert!(lines[0].starts_with("stream EVENTS: updated"), "{lines:?}");
}

#[tokio::test]
async fn a_bound_that_the_server_takes_for_none_is_an_error_before_anything_is_sent() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    for unbounded in [plan().events_max(0), plan().events_bytes_max(0), plan().events_max(u64::MAX)] {
        let text = failure(&admin, &unbounded).await;
        assert!(text.contains("stream EVENTS") && text.contains("plan 1 or more"), "{text}");
    }
    let known = request(&admin, "$JS.API.STREAM.INFO.EVENTS", Value::Null).await;
    assert_eq!(known["config"]["max_msgs"], 4_000_000);
}

#[tokio::test]
async fn consumer_with_a_wider_filter_continues_at_its_position() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    provision(&admin, &with_consumer(&["order.create.*"])).await.unwrap();
    let connection = server.bus("admin").connect().await.unwrap();
    for subject in ["order.create.o1", "order.cancel.o1", "order.create.o2"] {
        publish(&*connection, subject, subject).await.unwrap();
    }
    let mut pull = connection.pull("payment-0").await.unwrap();
    receive(&mut *pull, 2).await;
    drop(pull);
    let lines = changes(&admin, &with_consumer(&["order.create.*", "order.cancel.*"])).await;
    assert!(lines[3].contains("updated filter_subjects"), "{lines:?}");
    publish(&*connection, "order.cancel.o2", "later").await.unwrap();
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 1).await;
    assert_eq!((incoming[0].stream_sequence, incoming[0].consumer_sequence), (4, 3));
    assert_eq!(connection.reset("payment-0", 1).await, Ok(1));
    let incoming = receive(&mut *connection.pull("payment-0").await.unwrap(), 4).await;
    assert_eq!(incoming.iter().map(|incoming| incoming.stream_sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn consumer_that_acknowledges_is_an_error_that_names_what_to_do() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    let other = json!({ "stream_name": "EVENTS", "config": {
        "name": "payment-0", "durable_name": "payment-0", "ack_policy": "explicit", "deliver_policy": "new",
        "filter_subjects": ["order.create.*"] } });
    let created = request(&admin, "$JS.API.CONSUMER.CREATE.EVENTS.payment-0", other).await;
    assert!(created["error"].is_null(), "{created}");
    let text = failure(&admin, &with_consumer(&["order.create.*"])).await;
    for wanted in [
        "consumer payment-0 of stream EVENTS",
        r#"ack_policy (is "explicit", should be "none")"#,
        r#"deliver_policy (is "new", should be "all")"#,
        "can't change in place",
        "nats consumer rm",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

/// Changes a field of a consumer or a stream on the server.
async fn change(admin: &async_nats::Client, what: &str, field: &str, value: Value) {
    let mut config =
        request(admin, &format!("$JS.API.{}", what.replacen(' ', ".INFO.", 1)), Value::Null).await["config"].take();
    config[field] = value;
    let (subject, definition) = match what.split_once(' ').unwrap() {
        ("STREAM", name) => (format!("$JS.API.STREAM.UPDATE.{name}"), config),
        (_, name) => (format!("$JS.API.CONSUMER.CREATE.{name}"), json!({ "stream_name": "EVENTS", "config": config })),
    };
    let changed = request(admin, &subject, definition).await;
    assert!(changed["error"].is_null(), "{changed}");
}

#[tokio::test]
async fn paused_consumer_is_named_and_provisioning_resumes_it() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    let plan = with_consumer(&["order.create.*"]);
    provision(&admin, &plan).await.unwrap();
    let connection = server.bus("admin").connect().await.unwrap();
    let unsuitable = async || connection.consumer_info("payment-0").await.unwrap().unwrap().unsuitable;
    assert_eq!(unsuitable().await, None);
    let pause = json!({ "pause_until": "2124-01-01T00:00:00Z" });
    request(&admin, "$JS.API.CONSUMER.PAUSE.EVENTS.payment-0", pause).await;
    assert_eq!(unsuitable().await.as_deref(), Some("is paused until 2124-01-01T00:00:00Z"));
    let lines = changes(&admin, &plan).await;
    assert!(lines[3].contains("updated pause_until (is \"2124-01-01T00:00:00Z\""), "{lines:?}");
    assert_eq!(unsuitable().await, None);
}

#[tokio::test]
async fn consumer_that_sends_headers_only_is_named_and_none_of_its_messages_is_delivered() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    let plan = with_consumer(&["order.create.*"]);
    provision(&admin, &plan).await.unwrap();
    let connection = server.bus("admin").connect().await.unwrap();
    publish(&*connection, "order.create.o1", "a").await.unwrap();
    change(&admin, "CONSUMER EVENTS.payment-0", "headers_only", json!(true)).await;
    let error = connection.pull("payment-0").await.unwrap().next(10).await.unwrap_err();
    assert!(error.to_string().contains("headers only: run the provisioning step"), "{error}");
    let info = connection.consumer_info("payment-0").await.unwrap().unwrap();
    assert_eq!(info.unsuitable.as_deref(), Some("has other settings: headers_only (is true, should be null)"));
    let lines = changes(&admin, &plan).await;
    assert!(lines[3].contains("updated headers_only"), "{lines:?}");
    assert_eq!(connection.reset("payment-0", 1).await, Ok(1));
    assert_eq!(receive(&mut *connection.pull("payment-0").await.unwrap(), 1).await[0].envelope.payload, "a");
}

#[tokio::test]
async fn settings_with_which_a_stream_may_lose_messages_are_named() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    let connection = server.bus("admin").connect().await.unwrap();
    for stream in [Stream::Events, Stream::DeadLetters] {
        assert_eq!(connection.stream(stream).await.unwrap().unsuitable, None);
    }
    for (field, value, planned, named) in [
        ("max_msgs_per_subject", json!(1), json!(-1), "max_msgs_per_subject (is 1, should be -1)"),
        ("max_msg_size", json!(300), json!(72 * 1_024), "max_msg_size (is 300, should be 73728)"),
    ] {
        change(&admin, "STREAM EVENTS", field, value).await;
        assert_eq!(connection.stream(Stream::Events).await.unwrap().unsuitable.as_deref(), Some(named));
        change(&admin, "STREAM EVENTS", field, planned).await;
        assert_eq!(connection.stream(Stream::Events).await.unwrap().unsuitable, None);
    }
}

#[tokio::test]
async fn stream_in_memory_is_an_error_and_is_kept() {
    let server = Server::empty().await;
    let admin = server.admin().await;
    let other = json!({ "name": "EVENTS", "subjects": ["order.*.*"], "storage": "memory", "retention": "limits" });
    let created = request(&admin, "$JS.API.STREAM.CREATE.EVENTS", other).await;
    assert!(created["error"].is_null(), "{created}");
    let text = failure(&admin, &plan()).await;
    assert!(text.contains(r#"storage (is "memory", should be "file")"#), "{text}");
    assert!(text.contains("nats stream rm"), "{text}");
    let kept = request(&admin, "$JS.API.STREAM.INFO.EVENTS", Value::Null).await;
    assert_eq!(
        (kept["created"].clone(), kept["config"]["storage"].clone()),
        (created["created"].clone(), json!("memory"))
    );
}

#[tokio::test]
async fn feature_that_must_be_off_is_switched_off() {
    let server = Server::empty().await;
    let admin = server.admin().await;
    let other = json!({ "name": "EVENTS", "subjects": ["order.*.*"], "storage": "file", "retention": "limits",
        "allow_rollup_hdrs": true });
    request(&admin, "$JS.API.STREAM.CREATE.EVENTS", other).await;
    let lines = changes(&admin, &plan()).await;
    assert!(lines[0].contains("allow_rollup_hdrs (is true, should be null)"), "{lines:?}");
    let config = request(&admin, "$JS.API.STREAM.INFO.EVENTS", Value::Null).await["config"].take();
    assert!(config["allow_rollup_hdrs"] != json!(true) && config["deny_purge"] == json!(true), "{config}");
}

#[tokio::test]
async fn subject_of_another_stream_is_an_error_that_names_the_overlap() {
    let server = Server::provisioned().await;
    let admin = server.admin().await;
    let second = StreamPlan { name: "SECOND".to_owned(), ..plan().streams[0].clone() };
    let text = failure(&admin, &Plan { streams: vec![second], ..Plan::default() }).await;
    assert!(text.contains("stream SECOND") && text.contains("overlap"), "{text}");
}

#[tokio::test]
async fn consumer_without_its_stream_is_an_error_that_names_the_stream() {
    let server = Server::empty().await;
    let plan = Plan { consumers: vec![consumer("payment-0", &["order.*.*"])], ..Plan::default() };
    let text = failure(&server.admin().await, &plan).await;
    assert!(text.contains("payment-0 of stream EVENTS") && text.contains("stream not found"), "{text}");
}

#[tokio::test]
async fn missing_permission_is_an_error_that_names_the_request() {
    let server = Server::empty().await;
    let options = async_nats::ConnectOptions::with_user_and_password("payment".to_owned(), "secret".to_owned())
        .custom_inbox_prefix("_INBOX_payment")
        .request_timeout(Some(std::time::Duration::from_millis(500)));
    let payment = options.connect(server.url()).await.unwrap();
    let text = failure(&payment, &Plan { streams: vec![plan().streams[1].clone()], ..Plan::default() }).await;
    assert!(text.contains("requesting $JS.API.STREAM.INFO.DEAD_LETTERS") && text.contains("may this user"), "{text}");
}

#[tokio::test]
async fn old_server_is_an_error_that_names_the_version_to_install() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let old = tokio::spawn(async move {
        let (mut client, _) = listener.accept().await.unwrap();
        let info = json!({ "server_id": "old", "version": "2.9.10", "max_payload": 1_048_576, "headers": true });
        client.write_all(format!("INFO {info}\r\nPONG\r\n").as_bytes()).await.unwrap();
        _ = tokio::io::copy(&mut client, &mut tokio::io::sink()).await;
    });
    let client = async_nats::connect(address).await.unwrap();
    let text = failure(&client, &plan()).await;
    assert!(text.contains("2.9.10") && text.contains("2.14 or newer") && text.contains("Upgrade"), "{text}");
    old.abort();
}
