//! `list` and `groups`.

use async_nats::HeaderMap;
use serde_json::json;

use crate::stage::{Death, Stage};

#[tokio::test]
async fn each_filter_selects_what_it_names() {
    let stage = Stage::new().await;
    let poison = stage.die(Death::default()).await;
    let elsewhere = stage.die(Death { service: "notify", message: "order-updated", ..Death::default() }).await;
    let expired = stage.die(Death { reason: "expired", order: "o2", class: "it-was-worth", ..Death::default() }).await;
    for (filters, dead_letters) in [
        ("", vec![poison, elsewhere, expired]),
        ("--service notify", vec![elsewhere]),
        ("--message create-payment", vec![poison, expired]),
        ("--key o2", vec![expired]),
        ("--reason poison", vec![poison, elsewhere]),
        ("--died-of expired", vec![expired]),
        ("--fingerprint payment/create-payment/poison/panicked-the-ink-ran-out", vec![poison]),
        ("--service payment --reason poison", vec![poison]),
        ("--since 1h", vec![poison, elsewhere, expired]),
        ("--limit 2", vec![elsewhere, expired]),
    ] {
        let ran = stage.run(&format!("list --json {filters}")).await;
        assert_eq!((ran.code, ran.dead_letters()), (Some(0), dead_letters), "{filters}");
    }
    for nothing in ["--service order", "--key o9", "--reason exhausted", "--until 1h", "--fingerprint payment"] {
        let ran = stage.run(&format!("list --json {nothing}")).await;
        assert_eq!((ran.code, ran.dead_letters()), (Some(3), vec![]), "{nothing}");
    }
}

#[tokio::test]
async fn since_and_until_include_their_own_time() {
    let stage = Stage::new().await;
    let mut dead_letters = Vec::new();
    for order in ["o1", "o2", "o3"] {
        dead_letters.push(stage.die(Death { order, ..Death::default() }).await);
    }
    let times = stage.run("list --json").await.json();
    let second = times["dead_letters"][1]["time"].as_str().unwrap();
    assert_eq!(stage.run(&format!("list --json --since {second}")).await.dead_letters(), dead_letters[1..]);
    assert_eq!(stage.run(&format!("list --json --until {second}")).await.dead_letters(), dead_letters[..2]);
    assert_eq!(
        stage.run(&format!("list --json --since {second} --until {second}")).await.dead_letters(),
        dead_letters[1..2]
    );
}

#[tokio::test]
async fn list_is_aligned_and_ends_with_the_next_command() {
    let stage = Stage::new().await;
    let first = stage.die(Death::default()).await;
    let last = stage.die(Death { order: "o2", message: "cancel-payment", ..Death::default() }).await;
    let ran = stage.run("list").await;
    let lines: Vec<&str> = ran.out.lines().collect();
    let column = lines[0].find("MESSAGE").unwrap();
    assert!(lines[1][column..].starts_with("create-payment") && lines[2][column..].starts_with("cancel-payment"));
    assert!(lines[1].trim_start().starts_with(&format!("{first} ")) && lines[1].ends_with("panicked the ink ran out"));
    assert_eq!(lines[3..], ["2 dead letters.".to_owned(), format!("Next: dead-letters show {last}")]);
    assert_eq!(ran.err, "");
}

#[tokio::test]
async fn dead_letter_has_all_the_fields_that_the_help_names() {
    let stage = Stage::new().await;
    let sequence = stage.die(Death::default()).await;
    let list = stage.run("list --json").await.json();
    assert_eq!((&list["matched"], &list["notices_left_out"]), (&json!(1), &json!(0)));
    let dead_letter = &list["dead_letters"][0];
    for (field, value) in [
        ("sequence", json!(sequence)),
        ("service", json!("payment")),
        ("message", json!("create-payment")),
        ("key", json!("o1")),
        ("source", json!("inventory")),
        ("reason", json!("poison")),
        ("detail", json!("panicked the ink ran out")),
        ("tries", json!(1)),
        ("fingerprint", json!("payment/create-payment/poison/panicked-the-ink-ran-out")),
        ("event_sequence", json!(1)),
        ("published_as", json!(null)),
        ("lacks", json!(null)),
        ("fallback_failed", json!(null)),
        ("state", json!("open")),
        ("superseded_by", json!(null)),
        ("obstacle", json!(null)),
        ("records", json!([])),
    ] {
        assert_eq!(dead_letter[field], value, "{field}");
    }
    for field in ["time", "died_at", "id"] {
        assert!(dead_letter[field].is_string(), "{field}");
    }
    assert_eq!(dead_letter.as_object().unwrap().len(), 20);
}

#[tokio::test]
async fn groups_count_dead_letters_by_cause_the_largest_first() {
    let stage = Stage::new().await;
    let one = Death { service: "notify", message: "order-updated", reason: "exhausted", ..Death::default() };
    let small = one.fingerprint();
    let first = stage.die(one).await;
    for order in ["o1", "o2", "o3"] {
        stage.die(Death { order, ..Death::default() }).await;
    }
    let times = stage.run("list --json").await.json();
    let time = |index: usize| &times["dead_letters"][index]["time"];
    let ran = stage.run("groups --json").await;
    let large = Death::default().fingerprint();
    let groups = json!([
        { "fingerprint": large, "count": 3, "first": time(1), "last": time(3), "example": first + 3 },
        { "fingerprint": small, "count": 1, "first": time(0), "last": time(0), "example": first },
    ]);
    assert_eq!((ran.code, &ran.json()["groups"]), (Some(0), &groups));
    let text = stage.run("groups").await.out;
    assert!(text.ends_with(&format!("dead-letters replay --fingerprint {large} --dry-run\n")), "{text}");
    assert_eq!(stage.run("groups --json --service notify").await.json()["groups"][0]["count"], 1);
}

#[tokio::test]
async fn notices_are_left_out_unless_they_are_selected() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death::default()).await;
    let notice = stage.notice("create-payment").await;
    let ran = stage.run("list --json").await;
    assert_eq!((ran.dead_letters(), &ran.json()["notices_left_out"]), (vec![dead_letter], &json!(1)));
    assert!(stage.run("list").await.out.contains("Left out: 1 notice that a message is overdue (--reason overdue)."));
    assert_eq!(stage.run("list --json --reason overdue").await.dead_letters(), [notice]);
    assert_eq!(stage.run("list --json --all").await.dead_letters(), [dead_letter, notice]);
}

#[tokio::test]
async fn control_characters_are_not_printed() {
    let stage = Stage::new().await;
    let mut headers = HeaderMap::new();
    headers.insert("dead-reason", "poison");
    headers.insert("dead-detail", "\u{1b}[2Jgone");
    stage.publish("dead.payment.create-payment.o1".to_owned(), headers, &json!({})).await;
    for command in ["list", "show 1"] {
        let out = stage.run(command).await.out;
        assert!(out.contains("[2Jgone") && !out.contains('\u{1b}'), "{out:?}");
    }
}

#[tokio::test]
async fn hints_are_written_the_way_the_tool_is_called() {
    let stage = Stage::new().await;
    stage.die(Death::default()).await;
    let arguments = ["list", "--invocation", "make dead-letters ARGS='%'"];
    let ran = crate::tool::run(&stage.nats.url(), crate::stage::PASSWORD, &arguments).await;
    assert!(ran.out.ends_with("Next: make dead-letters ARGS='show 1'\n"), "{}", ran.out);
}

#[tokio::test]
async fn headers_that_imitate_the_servers_are_ignored() {
    let stage = Stage::new().await;
    let mut headers = HeaderMap::new();
    for (name, value) in [("Nats-Sequence", "1"), ("Nats-Subject", "dead.order.a.b"), ("Nats-Time-Stamp", "now")] {
        headers.insert(name, value);
    }
    let dead_letters = [stage.die(Death::default()).await, stage.notice("create-payment").await];
    let forged = stage.publish("dead.payment.create-payment.o1".to_owned(), headers, &json!({})).await;
    let ran = stage.run("list --all --json").await;
    assert_eq!(ran.dead_letters(), [dead_letters[0], dead_letters[1], forged]);
    assert_eq!(ran.json()["dead_letters"][2]["service"], "payment");
}
