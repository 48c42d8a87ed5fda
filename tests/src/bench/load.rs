//! The load: orders placed in a closed loop or at a rate, each timed from the request to the end of the order.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use hdrhistogram::Histogram;
use serde_json::json;
use tokio::sync::mpsc;
use uuid::Uuid;

use super::Options;
use super::client::{Client, Door};
use super::ends::Ends;
use crate::premises::Premises;
use crate::service::operator_token;

/// Longer than any order takes; an order that takes longer is a fault and ends the measurement.
const END_MAX: Duration = Duration::from_secs(60);

/// How long a client waits when the shop refuses its order.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// What was counted in an interval.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// From the request to the end, in microseconds.
    pub(crate) microseconds: Histogram<u64>,
    /// How many of them were cancelled.
    pub(crate) cancelled: u64,
    /// How often the shop refused an order.
    pub(crate) refused: u64,
}

impl Counted {
    fn new() -> Result<Self> {
        let microseconds = Histogram::new_with_bounds(1, 600_000_000, 3).context("creating a histogram")?;
        Ok(Self { microseconds, cancelled: 0, refused: 0 })
    }
}

/// The clients that place orders.
pub(crate) struct Load {
    door: Arc<Door>,
    ends: Ends,
    nowhere_percent: u32,
    number: AtomicU32,
    running: Arc<AtomicUsize>,
    counted: RefCell<Counted>,
}

impl Load {
    pub(crate) async fn new(premises: &Premises, ends: Ends, options: &Options) -> Result<Self> {
        let service = if options.through_gateway { "gateway" } else { "order" };
        let authority = premises.service(service).url.trim_start_matches("http://").to_owned();
        let door = match options.through_gateway {
            true => Door {
                authority,
                path: "/api/orders",
                authorization: Some(format!("Bearer {}", operator_token().await?)),
            },
            false => Door { authority, path: "/orders", authorization: None },
        };
        let (door, nowhere_percent) = (Arc::new(door), options.nowhere_percent);
        let (number, running, counted) = (AtomicU32::new(0), Arc::default(), RefCell::new(Counted::new()?));
        Ok(Self { door, ends, nowhere_percent, number, running, counted })
    }

    /// Returns what was counted since the last call.
    pub(crate) fn counted(&self) -> Counted {
        let mut counted = self.counted.borrow_mut();
        let result = counted.clone();
        counted.microseconds.reset();
        (counted.cancelled, counted.refused) = (0, 0);
        result
    }

    /// Runs this many clients, each placing one order after the other, until one fails.
    pub(crate) async fn closed(&self, clients: u32) -> Result<()> {
        let work = async |()| -> Result<()> {
            let mut client = Client::new(self.door.clone());
            loop {
                self.order(&mut client, Instant::now()).await?;
            }
        };
        let mut working: FuturesUnordered<_> = (0..clients).map(|_| work(())).collect();
        working.next().await.unwrap_or(Ok(()))
    }

    /// Places this many orders a second, whether the earlier ones have ended or not, until one fails. Each is timed
    /// from the moment at which it was due.
    pub(crate) async fn open(&self, rate: u32) -> Result<()> {
        let mut due = ticks(Duration::from_secs(1) / rate);
        let (mut idle, mut working) = (Vec::new(), FuturesUnordered::new());
        loop {
            tokio::select! {
                Some(due) = due.recv() => {
                    let mut client = idle.pop().unwrap_or_else(|| Client::new(self.door.clone()));
                    working.push(async move { self.order(&mut client, due).await.map(|()| client) });
                }
                Some(done) = working.next() => idle.push(done?),
            }
        }
    }

    /// Waits until the orders that were running when a loop was stopped have ended: they are not counted.
    pub(crate) async fn settle(&self) -> Result<()> {
        let begin = Instant::now();
        while self.running.load(Ordering::Relaxed) > 0 {
            anyhow::ensure!(begin.elapsed() < END_MAX, "some orders do not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    async fn order(&self, client: &mut Client, begin: Instant) -> Result<()> {
        let id = loop {
            match client.place(self.body()).await? {
                Some(id) => break id,
                None => {
                    self.counted.borrow_mut().refused += 1;
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            }
        };
        // In a task of its own, so that the order is waited for also when the loop is stopped.
        self.running.fetch_add(1, Ordering::Relaxed);
        let (ends, running) = (self.ends.clone(), self.running.clone());
        let ended = tokio::spawn(async move {
            let ended = tokio::time::timeout(END_MAX, ends.wait(id)).await;
            running.fetch_sub(1, Ordering::Relaxed);
            ended
        });
        let end = ended.await?.with_context(|| format!("order {id} has not ended within {END_MAX:?}"))??;
        let microseconds = u64::try_from(end.at.saturating_duration_since(begin).as_micros()).unwrap_or(u64::MAX);
        let mut counted = self.counted.borrow_mut();
        counted.microseconds.saturating_record(microseconds);
        counted.cancelled += u64::from(!end.completed);
        Ok(())
    }

    fn body(&self) -> String {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let zone = match number % 100 {
            // Spread evenly: 37 and 100 have no common divisor.
            place if place * 37 % 100 < self.nowhere_percent => "nowhere",
            place if place % 2 == 0 => "north",
            _ => "south",
        };
        let sku = ["tea", "mug", "kettle"][number as usize % 3];
        let body = json!({
            "customer_id": Uuid::now_v7(),
            "email": "customer@example.com",
            "lines": [{"sku": sku, "quantity": 1}],
            "address": {"zone": zone, "line": "1 Hill Road"},
            "confirmation": "automatic",
        });
        body.to_string()
    }
}

/// Returns a channel that receives each due moment when it has come. A thread of its own sends them: the runtime's
/// timers are between one and two milliseconds late, which would count as latency of the shop.
fn ticks(every: Duration) -> mpsc::UnboundedReceiver<Instant> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut due = Instant::now();
        while sender.send(due).is_ok() {
            due += every;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    });
    receiver
}
