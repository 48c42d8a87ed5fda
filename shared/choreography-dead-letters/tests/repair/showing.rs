//! `show`.

use async_nats::HeaderMap;
use serde_json::{Value, json};

use crate::stage::{Death, Stage};

fn story(shown: &Value) -> Vec<(&str, &str, bool)> {
    let story = shown["story"].as_array().unwrap().iter();
    story
        .map(|message| {
            (
                message["publisher"].as_str().unwrap(),
                message["message"].as_str().unwrap(),
                message["died"].as_bool().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn show_prints_payload_headers_and_the_story_up_to_the_death() {
    let stage = Stage::new().await;
    stage.publish_event("reserve-stock", "o1").await;
    stage.publish_event("reserve-stock", "o2").await;
    let dead_letter = stage.die(Death::default()).await;
    stage.publish_event("cancel-order", "o1").await;
    let shown = stage.run(&format!("show {dead_letter} --json")).await.json();
    assert_eq!(story(&shown), [("inventory", "reserve-stock", false), ("inventory", "create-payment", true)]);
    assert_eq!((&shown["payload"], &shown["payload_is_json"]), (&json!({ "replayed": "done" }), &json!(true)));
    let headers = &shown["headers"];
    assert_eq!((&headers["ce-source"], &headers["dead-tries"]), (&json!("inventory"), &json!("1")));
    assert_eq!((&shown["sequence"], &shown["story_left_out"]), (&json!(dead_letter), &json!(0)));
    assert_eq!(shown["story"][1]["payload"], json!({ "replayed": "done" }));
    let ran = stage.run(&format!("show {dead_letter}")).await;
    let text = ran.out;
    for words in ["create-payment at payment", "panicked the ink ran out", "ce-correlationid", "\"replayed\": \"done\""]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let died = text.lines().find(|line| line.contains("<- this died")).unwrap();
    assert!(died.contains("create-payment") && !text.contains("cancel-order"), "{text}");
    let next =
        format!("Next: dead-letters replay {dead_letter}, or dead-letters drop {dead_letter} --reason \"...\"\n");
    assert!(text.ends_with(&next) && ran.code == Some(0), "{text}");
}

#[tokio::test]
async fn show_prints_what_a_dead_letter_lacks_and_why_the_fallback_failed() {
    let stage = Stage::new().await;
    let of_death = [
        ("dead-subject", "inventory.create-payment.o1"),
        ("dead-cut", "all 70000 bytes of the payload"),
        ("dead-fallback", "panicked: the page is black"),
    ];
    let mut headers = HeaderMap::new();
    of_death.iter().for_each(|(name, value)| headers.insert(*name, *value));
    let sequence = stage.publish_dead_letter(&Death::default(), headers, 1, 1, &json!({})).await;
    let shown = stage.run(&format!("show {sequence} --json")).await.json();
    let fields = ["published_as", "lacks", "fallback_failed"].map(|field| shown[field].as_str().unwrap().to_owned());
    assert_eq!(fields, of_death.map(|(_, value)| value));
    assert!(shown["obstacle"].as_str().unwrap().contains("lacks all 70000 bytes"), "{shown}");
    let text = stage.run(&format!("show {sequence}")).await.out;
    for ((_, value), name) in of_death.into_iter().zip(["subject", "lacks", "fallback"]) {
        assert!(text.contains(&format!("  {name:<11}  {value}\n")), "{name}: {text}");
    }
    assert!(text.contains("can't be replayed or dropped"), "{text}");
}

#[tokio::test]
async fn show_prints_later_replays_and_their_records() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death { replayed: "nothing", ..Death::default() }).await;
    stage.run(&format!("replay {dead_letter} --wait 0s")).await;
    let shown = stage.run(&format!("show {dead_letter} --json")).await.json();
    assert_eq!((&shown["repairs"][0]["what"], &shown["records"]), (&json!("replay"), &json!([])));
    let _payment = stage.service("payment").await;
    testkit::until("a record", crate::PATIENCE, async || {
        let shown = stage.run(&format!("show {dead_letter} --json")).await.json();
        if shown["state"] == "handled" { Ok(()) } else { Err(shown) }
    })
    .await;
    let shown = stage.run(&format!("show {dead_letter} --json")).await.json();
    let time = "2026-11-20T13:30:00Z";
    let records = json!([{ "what": "replay", "outcome": "nothing", "detail": "replay received", "time": time }]);
    assert_eq!((&shown["records"], &shown["state"]), (&records, &json!("handled")));
    let text = stage.run(&format!("show {dead_letter}")).await.out;
    assert!(text.contains("Replays and drops since") && text.contains("handled already (replay: nothing)"), "{text}");
}

#[tokio::test]
async fn payload_that_is_not_json_is_shown_as_text() {
    let stage = Stage::new().await;
    let headers = HeaderMap::from_iter([]);
    let published =
        stage.jetstream().publish_with_headers("dead.payment.unknown.unknown", headers, "{\"oh".into()).await;
    let dead_letter = published.unwrap().await.unwrap().sequence;
    let shown = stage.run(&format!("show {dead_letter} --json")).await.json();
    assert_eq!((&shown["payload"], &shown["payload_is_json"]), (&json!("{\"oh"), &json!(false)));
    let text = stage.run(&format!("show {dead_letter}")).await.out;
    assert!(text.contains("{\"oh") && text.contains("it can only be looked at"), "{text}");
}

#[tokio::test]
async fn show_of_a_missing_dead_letter_reports_that_there_is_none() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death::default()).await;
    let _payment = stage.service("payment").await;
    assert_eq!(stage.run(&format!("replay {dead_letter}")).await.code, Some(0));
    // The next message of the stream is the record, which is not a dead letter.
    for sequence in [dead_letter + 1, 99] {
        let ran = stage.run(&format!("show {sequence}")).await;
        assert_eq!(
            (ran.code, ran.out.lines().next()),
            (Some(3), Some(format!("There is no dead letter {sequence}.").as_str()))
        );
    }
}
