//! An effect that crashes the process is found, and dies alone.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use choreography::testing::Harness;
use choreography::{Choreography, Command, Dead, EffectError, Message, Row, Settings};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "ring", key = bell, row = Bell)]
struct Ring {
    bell: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "bell-pulled", key = bell, role = event)]
struct BellPulled {
    bell: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "bell", key = u32)]
enum Bell {
    Pulled,
    Cracked,
}

/// How often each bell was struck.
#[derive(Clone, Default)]
struct Tower {
    strokes: Arc<Mutex<BTreeMap<u32, u32>>>,
}

/// The bell of which the process dies: the test ends it as soon as it is struck.
const DEADLY: u32 = 13;

impl Tower {
    fn strokes(&self, bell: u32) -> u32 {
        self.strokes.lock().unwrap().get(&bell).copied().unwrap_or_default()
    }
}

fn ring(command: &Ring, bell: &mut Option<Bell>) -> Option<BellPulled> {
    bell.replace(Bell::Pulled).is_none().then_some(BellPulled { bell: command.bell })
}

async fn strike(pulled: &BellPulled, tower: &Tower) -> Result<(), EffectError> {
    *tower.strokes.lock().unwrap().entry(pulled.bell).or_default() += 1;
    if pulled.bell == DEADLY {
        std::future::pending::<()>().await;
    }
    Ok(())
}

fn crack(_: &Dead<BellPulled>, bell: &mut Option<Bell>) {
    *bell = Some(Bell::Cracked);
}

#[test]
fn an_effect_that_crashes_the_process_is_found_and_dies_alone() {
    let tower = Tower::default();
    let church = Choreography::new("church").command(ring).effect(strike, tower.clone()).fallback(crack);
    let mut harness = Harness::start([church], Settings::default(), 7);
    for bell in 1..=40 {
        harness.execute(Ring { bell }).unwrap();
    }
    let mut crashes = 0;
    for _ in 0..3_000 {
        harness.advance(Duration::from_millis(10));
        if tower.strokes(DEADLY) > crashes {
            crashes += 1;
            harness.crash("church");
            harness.start_instance("church");
        }
    }
    assert_eq!(crashes, 4, "the first two are not on the effect alone");
    harness.until::<Bell>(&DEADLY, |bell| *bell == Bell::Cracked);
    harness.advance(Duration::from_secs(60));
    let dead: Vec<_> = harness.dead_letters().iter().map(|letter| format!("{letter:?}")).collect();
    assert_eq!(dead.len(), 1, "{dead:?}");
    assert!(dead[0].contains("church.bell-pulled.13") && dead[0].contains("deadly"), "{dead:?}");
    let silent: Vec<u32> = (1..=40).filter(|bell| tower.strokes(*bell) == 0).collect();
    assert!(silent.is_empty(), "{silent:?}");
}
