//! What a service may publish and read on the server, and what it may not, tried with each service's password.

use async_nats::{ConnectOptions, HeaderMap};
use serde_json::Value;
use shop_tests::{SERVICES, Shop, headers};
use uuid::Uuid;

use crate::intruder::Intruder;

fn others(user: &str) -> impl Iterator<Item = &'static str> {
    SERVICES.into_iter().filter(move |other| *other != user)
}

async fn request(intruder: &Intruder, subject: String, headers: HeaderMap, payload: &str) -> Value {
    serde_json::from_slice(&intruder.request(subject, headers, payload).await.payload).unwrap()
}

#[tokio::test]
async fn connection_needs_the_right_password() {
    let shop = Shop::empty().await;
    let url = shop.premises.nats.url();
    shop.connect("order", ConnectOptions::new()).await;
    assert!(ConnectOptions::new().connect(&url).await.is_err(), "without user");
    for user in SERVICES.into_iter().chain(["admin", "stranger"]) {
        let options = ConnectOptions::with_user_and_password(user.to_owned(), "wrong".to_owned());
        assert!(options.connect(&url).await.is_err(), "{user} with a wrong password");
    }
}

#[tokio::test]
async fn service_may_do_its_own_work() {
    let shop = Shop::empty().await;
    for user in SERVICES {
        let own = Intruder::with_password_of(&shop, user).await;
        let id = Uuid::now_v7().to_string();
        let published = request(&own, format!("{user}.hello.{id}"), headers(user, "hello", &id), "{}").await;
        assert_eq!(published["stream"], "EVENTS", "{published}");
        let dead = request(&own, format!("dead.{user}.hello.{id}"), HeaderMap::new(), "{}").await;
        assert_eq!(dead["stream"], "DEAD_LETTERS", "{dead}");
        let handled = request(&own, format!("handled.{user}.1"), HeaderMap::new(), "{}").await;
        assert_eq!(handled["stream"], "DEAD_LETTERS", "{handled}");
        let consumers = request(&own, "$JS.API.CONSUMER.LIST.EVENTS".to_owned(), HeaderMap::new(), "").await;
        assert!(consumers["consumers"].is_array(), "{consumers}");
        for stream in ["EVENTS", "DEAD_LETTERS"] {
            let first = own.request(format!("$JS.API.DIRECT.GET.{stream}"), HeaderMap::new(), r#"{"seq": 1}"#).await;
            assert!(first.status.is_none(), "{first:?}");
        }
        for stream in ["EVENTS", "DEAD_LETTERS"] {
            let info = request(&own, format!("$JS.API.STREAM.INFO.{stream}"), HeaderMap::new(), "").await;
            assert_eq!(info["config"]["name"], stream, "{info}");
            let first = request(&own, format!("$JS.API.STREAM.MSG.GET.{stream}"), HeaderMap::new(), r#"{"seq": 1}"#);
            assert!(first.await["message"].is_object(), "{stream}");
        }
        let noted = request(&own, format!("$KV.PROGRESS.{user}"), HeaderMap::new(), r#"{"position": 7}"#).await;
        assert_eq!(noted["stream"], "KV_PROGRESS", "{noted}");
        let note = r#"{"last_by_subj": "$KV.PROGRESS.order"}"#;
        let read = request(&own, "$JS.API.STREAM.MSG.GET.KV_PROGRESS".to_owned(), HeaderMap::new(), note).await;
        assert!(read["message"].is_object(), "{user}: {read}");
        if user == "customer" {
            continue; // it receives no messages, so it has no consumer
        }
        let consumer = request(&own, format!("$JS.API.CONSUMER.INFO.EVENTS.{user}-0"), HeaderMap::new(), "").await;
        assert_eq!(consumer["name"], format!("{user}-0"), "{consumer}");
        let reset = format!("$JS.API.CONSUMER.RESET.EVENTS.{user}-0");
        let reset = request(&own, reset, HeaderMap::new(), r#"{"seq": 1}"#).await;
        assert!(reset["error"].is_null(), "{reset}");
        let pull = format!("$JS.API.CONSUMER.MSG.NEXT.EVENTS.{user}-0");
        let pulled = own.request(pull, HeaderMap::new(), r#"{"batch": 1, "no_wait": true}"#).await;
        assert!(pulled.status.is_none_or(|status| status.as_u16() == 404), "{pulled:?}");
    }
}

#[tokio::test]
async fn service_cannot_publish_as_another() {
    let shop = Shop::empty().await;
    for user in SERVICES {
        let intruder = Intruder::with_password_of(&shop, user).await;
        let id = Uuid::now_v7();
        let mut subjects = vec![
            format!("handled.{user}.1.more"),
            format!("stranger.hello.{id}"),
            format!("{user}.hello"),
            format!("{user}.hello.{id}.more"),
        ];
        for other in others(user) {
            subjects.push(format!("{other}.cancel-order.{id}"));
            subjects.push(format!("dead.{other}.cancel-order.{id}"));
            subjects.push(format!("handled.{other}.1"));
            subjects.push(format!("$KV.PROGRESS.{other}"));
            subjects.push(format!("_INBOX_{other}.x"));
        }
        intruder.is_refused_to_publish(&subjects).await;
    }
}

#[tokio::test]
async fn service_cannot_use_the_consumer_of_another() {
    let shop = Shop::empty().await;
    for user in SERVICES {
        let intruder = Intruder::with_password_of(&shop, user).await;
        let verbs = ["INFO", "RESET", "MSG.NEXT"];
        let each = |other: &str| {
            verbs.map(|verb| [0, 1].map(|instance| format!("$JS.API.CONSUMER.{verb}.EVENTS.{other}-{instance}")))
        };
        let subjects: Vec<String> = others(user).flat_map(each).flatten().collect();
        intruder.is_refused_to_publish(&subjects).await;
    }
}

#[tokio::test]
async fn service_cannot_create_change_purge_or_delete_streams_and_consumers() {
    let shop = Shop::empty().await;
    for user in SERVICES {
        let intruder = Intruder::with_password_of(&shop, user).await;
        let stream = ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "SNAPSHOT", "RESTORE"];
        let consumer = ["CREATE", "DURABLE.CREATE", "DELETE", "PAUSE", "UNPIN"];
        let mut subjects = Vec::new();
        for name in ["EVENTS", "DEAD_LETTERS", "KV_PROGRESS"] {
            subjects.extend(stream.map(|verb| format!("$JS.API.STREAM.{verb}.{name}")));
            subjects.extend(consumer.map(|verb| format!("$JS.API.CONSUMER.{verb}.{name}.{user}-0")));
            subjects.push(format!("$JS.API.CONSUMER.CREATE.{name}"));
            subjects.push(format!("$JS.API.CONSUMER.CREATE.{name}.{user}-0.order.*.*"));
        }
        subjects.push("$JS.API.STREAM.CREATE.NEW".to_owned());
        intruder.is_refused_to_publish(&subjects).await;
    }
}

#[tokio::test]
async fn service_cannot_subscribe_to_the_inbox_of_another_or_to_everything() {
    let shop = Shop::empty().await;
    for user in SERVICES {
        let intruder = Intruder::with_password_of(&shop, user).await;
        let everything = [">", "_INBOX.>", "_INBOX_admin.>", "$JS.>", "dead.>", "*.*.*"].map(str::to_owned);
        let subjects: Vec<String> = others(user).map(|other| format!("_INBOX_{other}.>")).chain(everything).collect();
        intruder.is_refused_to_subscribe(&subjects).await;
        if user != "order" {
            let events: Vec<String> = others(user).map(|other| format!("{other}.*.*")).collect();
            intruder.is_refused_to_subscribe(&events).await;
        }
    }
}

#[tokio::test]
async fn streams_refuse_headers_that_would_rewrite_them() {
    let shop = Shop::empty().await;
    for user in SERVICES {
        let intruder = Intruder::with_password_of(&shop, user).await;
        let id = Uuid::now_v7().to_string();
        for subject in [format!("{user}.hello.{id}"), format!("dead.{user}.hello.{id}")] {
            for more in [
                vec![("Nats-Rollup", "all")],
                vec![("Nats-Rollup", "sub")],
                vec![("Nats-TTL", "1s")],
                vec![("Nats-Schedule", "@at 2099-01-01T00:00:00Z"), ("Nats-Schedule-Target", "order.hello.x")],
                vec![("Nats-Incr", "1")],
            ] {
                let mut headers = headers(user, "hello", &id);
                more.iter().for_each(|(name, value)| headers.insert(*name, *value));
                let refused = request(&intruder, subject.clone(), headers, "{}").await;
                assert!(refused["error"]["code"].is_u64(), "{subject} with {more:?}: {refused}");
            }
        }
    }
    for name in ["EVENTS", "DEAD_LETTERS"] {
        let stream = shop.jetstream().await.get_stream(name).await.unwrap();
        assert_eq!(stream.cached_info().state.messages, 0, "{name} has stored something");
    }
}

#[tokio::test]
async fn not_even_the_admin_deletes_or_purges_a_message() {
    let shop = Shop::empty().await;
    shop.publish_as("order", "hello", &Uuid::now_v7().to_string(), &Value::Null).await;
    let mut stream = shop.jetstream().await.get_stream("EVENTS").await.unwrap();
    stream.delete_message(1).await.unwrap_err();
    stream.purge().await.unwrap_err();
    assert_eq!(stream.info().await.unwrap().state.messages, 1);
}
