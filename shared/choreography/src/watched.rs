//! A value that tasks wait for. The waiting tasks are woken in the order in which they began to wait: tokio's `watch` wakes
//! them in a random order, with which no run could be repeated from its seed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// A value that tasks wait for; a clone is the same value.
pub(crate) struct Watched<T> {
    shared: Arc<WatchedValue<T>>,
}

struct WatchedValue<T> {
    value: Mutex<T>,
    changed: Notify,
}

impl<T> Clone for Watched<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<T: Default> Default for Watched<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T> Watched<T> {
    pub(crate) fn new(value: T) -> Self {
        Self { shared: Arc::new(WatchedValue { value: Mutex::new(value), changed: Notify::new() }) }
    }

    /// Changes the value, and wakes the tasks that wait. Returns what the change returns.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let changed = change(&mut self.value());
        self.shared.changed.notify_waiters();
        changed
    }

    /// Waits until the value is as wanted; a value that is so only between two wakings may be missed.
    pub(crate) async fn wait_for(&self, wanted: impl Fn(&T) -> bool) {
        loop {
            // Made before the value is looked at, it also notices a change that is made right afterwards.
            let changed = self.shared.changed.notified();
            if wanted(&self.value()) {
                return;
            }
            changed.await;
        }
    }

    /// Whether another clone exists.
    pub(crate) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.shared) > 1
    }

    fn value(&self) -> MutexGuard<'_, T> {
        self.shared.value.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Clone> Watched<T> {
    /// Returns a copy of the value.
    pub(crate) fn get(&self) -> T {
        self.value().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_are_woken_in_the_order_in_which_they_began_to_wait() {
        let (number, woken) = (Watched::<u32>::default(), Arc::new(Mutex::new(Vec::new())));
        let wait = |task: u32| {
            let (number, woken) = (number.clone(), woken.clone());
            tokio::spawn(async move {
                number.wait_for(|number| *number > 0).await;
                woken.lock().unwrap().push(task);
            })
        };
        let tasks: Vec<_> = (0..30).map(wait).collect();
        tokio::task::yield_now().await;
        number.change(|number| *number = 1);
        futures::future::join_all(tasks).await;
        assert_eq!(*woken.lock().unwrap(), (0..30).collect::<Vec<_>>());
    }
}
