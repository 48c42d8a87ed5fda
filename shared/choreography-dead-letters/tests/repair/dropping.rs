//! `drop`.

use crate::stage::{Death, PASSWORD, Stage};
use crate::tool::run;

#[tokio::test]
async fn drop_carries_its_reason_and_is_recorded() {
    let stage = Stage::new().await;
    let dead_letter = stage.die(Death { replayed: "died", ..Death::default() }).await;
    let payment = stage.service("payment").await;
    let (number, why) = (dead_letter.to_string(), "the customer was paid by hand");
    let ran = run(&stage.nats.url(), PASSWORD, &["drop", &number, "--reason", why]).await;
    assert!(ran.code == Some(0) && ran.out.contains("1 dead letter: 1 dropped."), "{ran:?}");
    let repairs = stage.repairs().await;
    let header = |name: &str| repairs[0].headers.get(name).map(|value| value.as_str());
    let mark = format!("payment/1/{dead_letter}");
    assert_eq!((header("dead-drop"), header("dead-drop-reason")), (Some(mark.as_str()), Some(why)));
    assert_eq!((header("dead-replay"), header("dead-reason"), header("Nats-Msg-Id")), (None, None, None));
    assert_eq!(payment.diary(), [(dead_letter, "done")]);
    assert_eq!(stage.run("list").await.code, Some(3));
    let ran = stage.run(&format!("replay {dead_letter}")).await;
    assert!(ran.code == Some(4) && ran.out.contains("it is handled already (drop: done)"), "{ran:?}");
}

#[tokio::test]
async fn drop_selects_by_died_of_because_reason_is_its_own() {
    let stage = Stage::new().await;
    let poison = stage.die(Death::default()).await;
    let expired = stage.die(Death { reason: "expired", order: "o2", ..Death::default() }).await;
    let _payment = stage.service("payment").await;
    let ran = stage.run("drop --service payment --died-of expired --reason late --json").await;
    assert_eq!((ran.code, ran.dead_letters(), &ran.json()["what"]), (Some(0), vec![expired], &"drop".into()));
    assert_eq!(stage.run("list --json").await.dead_letters(), [poison]);
}
