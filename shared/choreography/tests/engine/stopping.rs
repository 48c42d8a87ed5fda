//! A service that stops replies to its callers, publishes what it has committed, and lets another instance take over.

use std::sync::Arc;

use choreography::bus::memory::MemoryBus;
use choreography::{Choreography, ExecuteError, Service};

use crate::diary::OpenPage;
use crate::pausable_store::PausableStore;
use crate::stage::{Stage, healthy};
use crate::{ms, pass};

fn open(page: u32) -> OpenPage {
    OpenPage { page, title: "May".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn a_stop_replies_to_waiting_callers_and_refuses_later_ones() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    let mut waiting: Vec<_> = (0..2_000).map(|page| Box::pin(scribe.execute(open(page)))).collect();
    for command in &mut waiting {
        assert!(futures::poll!(command).is_pending());
    }
    scribe.stop().await;
    assert!(futures::future::join_all(waiting).await.iter().all(Result::is_ok));
    assert_eq!(scribe.execute(open(9_999)).await, Err(ExecuteError::Stopped));
    let outgoing: Vec<String> = (0..2_000).map(|page| format!("page-opened.{page}")).collect();
    assert_eq!(stage.outgoing(), outgoing);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stops_releases_the_lease() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    assert!(stage.head().await.lease_until_ms > stage.clock.now().as_millisecond());
    scribe.stop().await;
    assert_eq!(stage.head().await.lease_until_ms, 0);
}

#[tokio::test(start_paused = true)]
async fn a_service_stops_within_seconds_whatever_the_server_does() {
    for trouble in 0..4 {
        let stage = Stage::new();
        let scribe = stage.start().await;
        healthy(&scribe).await;
        match trouble {
            0 => stage.bus.faults().set_down(true),
            1 => stage.bus.faults().set_silent(true),
            2 => stage.bus.faults().drop_acknowledgements(1_000),
            _ => stage.bus.faults().refuse(Some("no space left")),
        }
        scribe.execute(open(1)).await.unwrap();
        pass(ms(1_000)).await;
        let stopped = tokio::time::timeout(ms(6_000), scribe.stop()).await;
        assert!(stopped.is_ok(), "trouble {trouble}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_not_published_before_a_stop_are_published_after_the_next_start() {
    let stage = Stage::new();
    let scribe = stage.start().await;
    healthy(&scribe).await;
    stage.bus.faults().set_down(true);
    scribe.execute(open(1)).await.unwrap();
    scribe.stop().await;
    stage.bus.faults().set_down(false);
    let scribe = stage.start().await;
    crate::until("the message is published", || async { stage.outgoing() == ["page-opened.1"] }).await;
    scribe.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_by_itself_ends_the_service() {
    let stage = Stage::new();
    for (method, task) in [("effects", "effects"), ("outbox", "outbox relay")] {
        let store = PausableStore::panicking(stage.store.clone(), method);
        let scribe = stage.start_over(Arc::new(store), stage.settings()).await;
        let why = tokio::time::timeout(ms(60_000), scribe.failed()).await.unwrap();
        assert!(why.contains(task), "{why}");
        assert_eq!(scribe.execute(open(1)).await, Err(ExecuteError::Stopped));
        scribe.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_without_effects_runs_and_stops_without_a_failure() {
    let bus = MemoryBus::new();
    bus.add_consumer("idle-0", &[]);
    let builder = Service::builder(Choreography::new("idle")).memory().bus(Arc::new(bus));
    let idle = builder.start().await.unwrap();
    assert!(tokio::time::timeout(ms(60_000), idle.failed()).await.is_err());
    idle.stop().await;
    assert!(tokio::time::timeout(ms(60_000), idle.failed()).await.is_err());
}
