//! `show`.

use async_nats::HeaderMap;
use serde_json::{Value, json};

use crate::stage::{Death, Stage};

fn story(shown: &Value) -> Vec<(&str, &str, bool)> {
    let story = shown["story"].as_array().unwrap().iter();
    story
        .map(|told| {
            (told["publisher"].as_str().unwrap(), told["message"].as_str().unwrap(), told["died"].as_bool().unwrap())
        })
        .collect()
}

#[tokio::test]
async fn a_letter_is_shown_whole_with_the_story_up_to_the_death() {
    let stage = Stage::new().await;
    stage.say("reserve-stock", "o1").await;
    stage.say("reserve-stock", "o2").await;
    let letter = stage.die(Death::default()).await;
    stage.say("cancel-order", "o1").await;
    let shown = stage.run(&format!("show {letter} --json")).await.json();
    assert_eq!(story(&shown), [("inventory", "reserve-stock", false), ("inventory", "create-payment", true)]);
    assert_eq!((&shown["payload"], &shown["payload_is_json"]), (&json!({ "replayed": "done" }), &json!(true)));
    let headers = &shown["headers"];
    assert_eq!((&headers["ce-source"], &headers["dead-tries"]), (&json!("inventory"), &json!("1")));
    assert_eq!((&shown["sequence"], &shown["story_left_out"]), (&json!(letter), &json!(0)));
    assert_eq!(shown["story"][1]["payload"], json!({ "replayed": "done" }));
    let ran = stage.run(&format!("show {letter}")).await;
    let text = ran.out;
    for words in ["create-payment at payment", "panicked the ink ran out", "ce-correlationid", "\"replayed\": \"done\""]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let died = text.lines().find(|line| line.contains("<- this died")).unwrap();
    assert!(died.contains("create-payment") && !text.contains("cancel-order"), "{text}");
    let next = format!("Next: dead-letters replay {letter}, or dead-letters drop {letter} --reason \"...\"\n");
    assert!(text.ends_with(&next) && ran.code == Some(0), "{text}");
}

#[tokio::test]
async fn what_was_asked_and_answered_since_is_shown() {
    let stage = Stage::new().await;
    let letter = stage.die(Death { replayed: "nothing", ..Death::default() }).await;
    stage.run(&format!("replay {letter} --wait 0s")).await;
    let shown = stage.run(&format!("show {letter} --json")).await.json();
    assert_eq!((&shown["asked"][0]["what"], &shown["answers"]), (&json!("replay"), &json!([])));
    let _payment = stage.service("payment").await;
    testkit::until("an answer", crate::PATIENCE, async || {
        let shown = stage.run(&format!("show {letter} --json")).await.json();
        if shown["state"] == "handled" { Ok(()) } else { Err(shown) }
    })
    .await;
    let shown = stage.run(&format!("show {letter} --json")).await.json();
    let time = "2026-11-20T13:30:00Z";
    let answer = json!([{ "what": "replay", "outcome": "nothing", "detail": "replay received", "time": time }]);
    assert_eq!((&shown["answers"], &shown["state"]), (&answer, &json!("handled")));
    let text = stage.run(&format!("show {letter}")).await.out;
    assert!(text.contains("Asked for since") && text.contains("handled already (replay: nothing)"), "{text}");
}

#[tokio::test]
async fn a_payload_that_is_no_json_is_shown_as_text() {
    let stage = Stage::new().await;
    let headers = HeaderMap::from_iter([]);
    let published =
        stage.jetstream().publish_with_headers("dead.payment.unknown.unknown", headers, "{\"oh".into()).await;
    let letter = published.unwrap().await.unwrap().sequence;
    let shown = stage.run(&format!("show {letter} --json")).await.json();
    assert_eq!((&shown["payload"], &shown["payload_is_json"]), (&json!("{\"oh"), &json!(false)));
    let text = stage.run(&format!("show {letter}")).await.out;
    assert!(text.contains("{\"oh") && text.contains("it can only be looked at"), "{text}");
}

#[tokio::test]
async fn what_is_not_there_is_not_shown() {
    let stage = Stage::new().await;
    let letter = stage.die(Death::default()).await;
    let _payment = stage.service("payment").await;
    assert_eq!(stage.run(&format!("replay {letter}")).await.code, Some(0));
    // The next in the stream is the answer, which is no dead letter.
    for sequence in [letter + 1, 99] {
        let ran = stage.run(&format!("show {sequence}")).await;
        assert_eq!(
            (ran.code, ran.out.lines().next()),
            (Some(3), Some(format!("There is no dead letter {sequence}.").as_str()))
        );
    }
}
