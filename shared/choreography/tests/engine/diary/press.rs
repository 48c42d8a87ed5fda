//! The printing press: an outside system that effects call and a test can jam.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use choreography::EffectError;
use tokio::sync::watch;
use tokio::time::Instant;

#[derive(Clone, Default)]
pub(crate) struct Press {
    state: Arc<Mutex<State>>,
    held: Arc<watch::Sender<bool>>,
    bindings_held: Arc<watch::Sender<bool>>,
}

/// What is added to the number of a page that is bound.
pub(crate) const BINDING: u32 = 1_000_000;

#[derive(Default)]
struct State {
    runs: Vec<Run>,
    /// Pages that are in the press now.
    running: Vec<u32>,
    running_most: usize,
    clashes: u32,
    failures: HashMap<u32, u32>,
}

/// One try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) page: u32,
    pub(crate) line: u32,
    pub(crate) at: Instant,
}

/// A page that is in the press. Dropping it takes the page out, also when the effect is abandoned.
struct InPress<'a>(&'a Press, u32);

impl Drop for InPress<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let index = state.running.iter().position(|page| *page == self.1).unwrap();
        state.running.remove(index);
    }
}

impl Press {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) async fn print(&self, page: u32, line: u32) -> Result<(), EffectError> {
        self.run(page, line, &self.held).await
    }

    pub(super) async fn bind(&self, page: u32, line: u32) -> Result<(), EffectError> {
        self.run(BINDING + page, line, &self.bindings_held).await
    }

    async fn run(&self, page: u32, line: u32, held: &watch::Sender<bool>) -> Result<(), EffectError> {
        let _in_press = self.begin(page, line);
        let _ = held.subscribe().wait_for(|held| !held).await;
        let mut state = self.state();
        let failures = state.failures.entry(page).or_default();
        if *failures == u32::MAX {
            return Err(EffectError::permanent("the page has no such size"));
        }
        if *failures > 0 {
            *failures -= 1;
            return Err(EffectError::transient("the press is jammed"));
        }
        Ok(())
    }

    fn begin(&self, page: u32, line: u32) -> InPress<'_> {
        let mut state = self.state();
        state.runs.push(Run { page, line, at: Instant::now() });
        state.clashes += u32::from(state.running.contains(&page));
        state.running.push(page);
        state.running_most = state.running_most.max(state.running.len());
        InPress(self, page)
    }

    /// Holds or releases the press. While it is held, no try ends.
    pub(crate) fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// Holds or releases the bindings. While they are held, no try of one ends.
    pub(crate) fn hold_bindings(&self, held: bool) {
        self.bindings_held.send_replace(held);
    }

    /// Makes the next tries for a page fail.
    pub(crate) fn jam(&self, page: u32, tries: u32) {
        self.state().failures.insert(page, tries);
    }

    /// Makes every try for a page fail permanently.
    pub(crate) fn refuse(&self, page: u32) {
        self.jam(page, u32::MAX);
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        self.state().runs.clone()
    }

    pub(crate) fn lines(&self, page: u32) -> Vec<u32> {
        self.runs().iter().filter(|run| run.page == page).map(|run| run.line).collect()
    }

    /// Returns how many pages are in the press now.
    pub(crate) fn running(&self) -> usize {
        self.state().running.len()
    }

    /// Returns how many pages were in the press at once, at most.
    pub(crate) fn running_most(&self) -> usize {
        self.state().running_most
    }

    /// Returns how often a page was begun while it was already in the press.
    pub(crate) fn clashes(&self) -> u32 {
        self.state().clashes
    }
}
