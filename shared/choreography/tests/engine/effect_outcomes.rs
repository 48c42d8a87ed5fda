//! What came of an effect is committed once, whatever happens to its commit and to the database.

use choreography::Envelope;
use choreography::store::memory::MemoryCopy;

use crate::diary::Print;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// Returns the numbers of what was published when an effect ended after something had happened.
async fn published_after(happens: impl FnOnce(&Stage, &MemoryCopy)) -> Vec<String> {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let before = stage.store.copy();
    stage.press.hold(true);
    stage.publish(Print { page: 1, line: 1 });
    until("it runs", || async { stage.press.runs().len() == 1 }).await;
    happens(&stage, &before);
    stage.press.hold(false);
    until("it is published", || async { !stage.all_published("printed").is_empty() }).await;
    pass(ms(20_000)).await;
    healthy(&scribe).await;
    scribe.stop().await;
    let number = |envelope: Envelope| envelope.header("ce-number").unwrap().to_owned();
    stage.all_published("printed").into_iter().map(number).collect()
}

#[tokio::test(start_paused = true)]
pub(crate) async fn what_an_effect_publishes_is_published_once_though_the_answer_to_its_commit_is_lost() {
    assert_eq!(published_after(|stage, _| stage.store.faults().leave_next_commits_unanswered(1)).await, ["1"]);
}

/// The message is received again, and its effect run again.
#[tokio::test(start_paused = true)]
async fn what_an_effect_publishes_is_published_once_though_its_database_is_put_back_while_it_runs() {
    assert_eq!(published_after(|stage, before| stage.store.put_back(before)).await, ["1"]);
}
