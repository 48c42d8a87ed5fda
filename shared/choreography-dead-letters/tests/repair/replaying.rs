//! `replay`.

use async_nats::HeaderMap;
use serde_json::json;

use crate::stage::{Death, Stage};

fn outcomes(wanted: &[(u64, &str)]) -> Vec<(u64, String)> {
    wanted.iter().map(|(dead_letter, outcome)| (*dead_letter, (*outcome).to_owned())).collect()
}

#[tokio::test]
async fn replay_publishes_the_original_message_for_the_one_service_where_it_died() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death::default()).await;
    let (payment, order) = (stage.service("payment").await, stage.service("order").await);
    let ran = stage.run(&format!("replay {dead_letter} --json")).await;
    assert_eq!((ran.code, ran.outcomes()), (Some(0), outcomes(&[(dead_letter, "done")])));
    assert_eq!((payment.diary(), order.diary()), (vec![(dead_letter, "done")], vec![]));
    let events = stage.stored("EVENTS").await;
    let (outgoing, again) = (&events[0], &events[1]);
    assert_eq!((&again.subject, &again.payload), (&outgoing.subject, &outgoing.payload));
    let mut headers = outgoing.headers.clone();
    headers.insert("dead-replay", format!("payment/1/{dead_letter}"));
    assert_eq!(again.headers, headers);
    assert_eq!(stage.run("list").await.code, Some(3), "what is handled is hidden");
    assert_eq!(stage.run("list --all --json").await.json()["dead_letters"][0]["state"], "handled");
}

#[tokio::test]
async fn only_the_selection_is_replayed_in_the_order_of_the_stream() {
    let stage = Stage::new().await;
    let mut dead_letters = Vec::new();
    for order in ["o1", "o2", "o3"] {
        dead_letters.push(stage.die(Death { order, ..Death::default() }).await);
        stage.die(Death { order, message: "cancel-payment", class: "other", ..Death::default() }).await;
    }
    let payment = stage.service("payment").await;
    let fingerprint = Death::default().fingerprint();
    let ran = stage.run(&format!("replay --fingerprint {fingerprint}")).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("3 dead letters: 3 replayed.\nNext: dead-letters list\n"), "{}", ran.out);
    assert_eq!(payment.diary().iter().map(|(dead_letter, _)| *dead_letter).collect::<Vec<_>>(), dead_letters);
    let ran = stage.run("replay --message cancel-payment --key o2 --json").await;
    assert_eq!(ran.outcomes(), outcomes(&[(dead_letters[1] + 1, "done")]));
    let ran = stage.run(&format!("replay {} {} --json", dead_letters[2] + 1, dead_letters[0] + 1)).await;
    assert_eq!(ran.outcomes(), outcomes(&[(dead_letters[0] + 1, "done"), (dead_letters[2] + 1, "done")]));
    assert_eq!(stage.run(&format!("replay --fingerprint {fingerprint}")).await.code, Some(3));
}

#[tokio::test]
async fn dry_run_shows_what_would_be_done_and_publishes_nothing() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death::default()).await;
    let payment = stage.service("payment").await;
    let before = (stage.stored("EVENTS").await.len(), stage.stored("DEAD_LETTERS").await.len());
    for command in [format!("replay {dead_letter}"), "drop --service payment --reason old".to_owned()] {
        let ran = stage.run(&format!("{command} --dry-run --json")).await;
        assert_eq!((ran.code, ran.outcomes()), (Some(0), outcomes(&[(dead_letter, "planned")])), "{command}");
        assert_eq!(ran.json()["dry_run"], true);
        let text = stage.run(&format!("{command} --dry-run")).await.out;
        assert!(text.ends_with("Nothing was published. Next: the same without --dry-run\n"), "{text}");
    }
    assert_eq!((stage.stored("EVENTS").await.len(), stage.stored("DEAD_LETTERS").await.len()), before);
    assert_eq!(payment.diary(), []);
}

#[tokio::test]
async fn replay_that_changes_nothing_is_reported_as_nothing() {
    let stage = Stage::new().await;
    let done = stage.die(Death::default()).await;
    let nothing = stage.die(Death { replayed: "nothing", order: "o2", ..Death::default() }).await;
    let _payment = stage.service("payment").await;
    let ran = stage.run("replay --service payment --json").await;
    assert_eq!(ran.code, Some(4));
    assert_eq!(ran.outcomes(), outcomes(&[(done, "done"), (nothing, "nothing")]));
    assert_eq!(ran.json()["counts"], json!({ "done": 1, "nothing": 1 }));
    assert_eq!(stage.run("list").await.code, Some(3), "neither is open");
}

#[tokio::test]
async fn message_is_processed_once_however_often_it_is_replayed() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death::default()).await;
    let payment = stage.service("payment").await;
    assert_eq!(stage.run(&format!("replay {dead_letter}")).await.code, Some(0));
    let ran = stage.run(&format!("replay {dead_letter}")).await;
    assert!(ran.out.contains("it is handled already (replay: done); --again requests it all the same"), "{}", ran.out);
    assert_eq!((ran.code, stage.repairs().await.len()), (Some(4), 1));
    let ran = stage.run(&format!("replay {dead_letter} --again --json")).await;
    assert_eq!((ran.code, ran.outcomes()), (Some(4), outcomes(&[(dead_letter, "refused")])));
    assert_eq!(payment.diary(), [(dead_letter, "done"), (dead_letter, "refused")]);
    assert_eq!(stage.run("list").await.code, Some(3), "a refused replay opens nothing again");
}

#[tokio::test]
async fn only_the_latest_dead_letter_of_a_message_is_replayed() {
    let stage = Stage::new().await;
    let first = stage.die(Death { replayed: "died", ..Death::default() }).await;
    let payment = stage.service("payment").await;
    let ran = stage.run(&format!("replay {first}")).await;
    assert!(ran.out.contains("1 died again") && ran.code == Some(4), "{ran:?}");
    let list = stage.run("list --json").await;
    let [second] = list.dead_letters()[..] else { panic!("{list:?}") };
    assert_eq!((second > first, &list.json()["dead_letters"][0]["tries"]), (true, &json!(2)));
    let ran = stage.run(&format!("replay {first}")).await;
    assert!(ran.out.contains(&format!("dead letter {second} is a later one of the same message")), "{}", ran.out);
    assert_eq!((ran.code, stage.repairs().await.len()), (Some(4), 1));
    let ran = stage.run("replay --key o1 --json").await;
    assert_eq!((ran.code, ran.outcomes()), (Some(0), outcomes(&[(second, "done")])));
    assert_eq!(payment.diary(), [(first, "died"), (second, "done")]);
}

#[tokio::test]
async fn one_replay_settles_both_copies_of_a_dead_letter_that_was_published_twice() {
    let stage = Stage::new().await;
    let first = stage.die(Death::default()).await;
    let copied = stage.stored("DEAD_LETTERS").await.remove(0);
    let payload = serde_json::from_slice(&copied.payload).unwrap();
    let second = stage.publish(copied.subject.to_string(), copied.headers, &payload).await;
    let _payment = stage.service("payment").await;
    assert_eq!(stage.run("list --json").await.dead_letters(), [second]);
    assert_eq!(stage.run("replay --service payment --json").await.outcomes(), outcomes(&[(second, "done")]));
    let ran = stage.run(&format!("replay {first} {second} --json")).await;
    assert_eq!(ran.outcomes(), outcomes(&[(first, "skipped"), (second, "skipped")]));
    assert_eq!(stage.run("list").await.code, Some(3));
}

#[tokio::test]
async fn notice_and_unrecognizable_message_are_skipped_with_the_reason() {
    let stage = Stage::new().await;
    let notice = stage.notice("create-payment").await;
    let mut headers = HeaderMap::new();
    headers.insert("dead-reason", "poison");
    let nameless = stage.publish("dead.payment.create-payment.o1".to_owned(), headers, &json!({})).await;
    let ran = stage.run(&format!("replay {notice} {nameless} 99 --json")).await;
    let wanted = outcomes(&[(notice, "skipped"), (nameless, "skipped"), (99, "missing")]);
    assert_eq!((ran.code, ran.outcomes()), (Some(4), wanted));
    let dead_letters = &ran.json()["dead_letters"];
    for (index, words) in [(0, "the message has not died"), (1, "ce-specversion is missing"), (2, "no dead letter 99")]
    {
        assert!(dead_letters[index]["detail"].as_str().unwrap().contains(words), "{dead_letters}");
    }
    assert_eq!(stage.repairs().await.len(), 0);
    assert_eq!(stage.run("list --json").await.dead_letters(), [nameless], "it can be looked at");
}

#[tokio::test]
async fn message_that_no_stream_takes_does_not_stop_the_others() {
    let stage = Stage::new().await;
    let lost = stage.die(Death::default()).await;
    let found = stage.die(Death { order: "o2", ..Death::default() }).await;
    let mut headers = stage.stored("DEAD_LETTERS").await[0].headers.clone();
    headers.insert("ce-source", "closed-down");
    headers.insert("ce-id", stage.clock.new_id().to_string());
    let orphan = stage.publish("dead.payment.create-payment.o1".to_owned(), headers, &json!({})).await;
    let _payment = stage.service("payment").await;
    let ran = stage.run("replay --service payment --json").await;
    assert_eq!(
        (ran.code, ran.outcomes()),
        (Some(4), outcomes(&[(lost, "done"), (found, "done"), (orphan, "unpublished")]))
    );
}

#[tokio::test]
async fn service_that_is_down_processes_the_replay_when_it_is_back() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death::default()).await;
    let ran = stage.run(&format!("replay {dead_letter} --wait 0s")).await;
    let words = "no record yet: payment is down or busy; it will process the message when it is back; `dead-letters list` shows it";
    assert!(ran.code == Some(4) && ran.out.contains(words), "{ran:?}");
    assert_eq!(stage.run("list --json").await.dead_letters(), [dead_letter]);
    let ran = stage.run(&format!("replay {dead_letter} --wait 0s --json")).await;
    assert_eq!(ran.outcomes(), outcomes(&[(dead_letter, "pending")]));
    let payment = stage.service("payment").await;
    testkit::until("the dead letter to be done", crate::PATIENCE, async || {
        let ran = stage.run("list").await;
        if ran.code == Some(3) { Ok(()) } else { Err(ran.out) }
    })
    .await;
    testkit::until("the second one to be refused", crate::PATIENCE, async || {
        let diary = payment.diary();
        if diary == [(dead_letter, "done"), (dead_letter, "refused")] { Ok(()) } else { Err(format!("{diary:?}")) }
    })
    .await;
}
