//! The customers: so many a second come, whatever happens, and each goes on until what was wanted is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::client::{Call, Client};
use super::random::Random;

/// How many customers have a wallet with plenty in it; each places many orders.
const RICH: usize = 100;
/// What is in it, in cents: more than anybody spends.
const PLENTY: u64 = 1_000_000_000_000;
/// How many customers are served at once at most. More wait outside, and are counted.
const INSIDE_MAX: u64 = 4_096;

/// What a customer wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wish {
    /// Buys, and pays without being asked.
    Buy,
    /// Buys, and confirms the payment.
    Confirm,
    /// Cancels the payment.
    Decline,
    /// Cancels the order.
    Cancel,
    /// Cancels an order that pays by itself, while it moves.
    CancelLate,
    /// Buys to a zone without dealer.
    Nowhere,
    /// Buys what is out of stock.
    Unicorn,
    /// Buys for more money than there is.
    Poor,
    /// Never confirms the payment.
    Forget,
}

impl Wish {
    /// How many of twenty-one customers want it.
    const SHARES: [(Self, usize); 9] = [
        (Self::Buy, 9),
        (Self::Confirm, 4),
        (Self::Decline, 1),
        (Self::Cancel, 1),
        (Self::CancelLate, 2),
        (Self::Nowhere, 1),
        (Self::Unicorn, 1),
        (Self::Poor, 1),
        (Self::Forget, 1),
    ];

    fn of(random: &mut Random) -> Self {
        let all: Vec<Self> = Self::SHARES.iter().flat_map(|(wish, share)| vec![*wish; *share]).collect();
        random.pick(&all)
    }

    /// Whether an order of this wish can't be completed.
    pub(super) fn is_vain(self) -> bool {
        matches!(self, Self::Nowhere | Self::Unicorn | Self::Poor | Self::Forget)
    }

    fn is_automatic(self) -> bool {
        !matches!(self, Self::Confirm | Self::Decline | Self::Cancel | Self::Forget)
    }
}

/// An order that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) id: String,
    pub(super) wish: Wish,
    pub(super) customer_id: String,
    /// Where mails about it go: no other order has this address.
    pub(super) email: String,
    /// What was ordered: product and pieces.
    pub(super) lines: BTreeMap<String, i64>,
}

/// Those who come.
pub(super) struct Customers {
    client: Arc<Client>,
    seed: u64,
    rich: Vec<String>,
    /// With it the gateway takes orders in anybody's name.
    token: String,
    placed: Mutex<Vec<Placed>>,
    gone: Mutex<Vec<String>>,
    inside: AtomicU64,
    outside: AtomicU64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Customers {
    /// Returns those that a seed decides, the rich ones with their money.
    pub(super) async fn new(client: Arc<Client>, seed: u64, token: String) -> Result<Self> {
        let rich: Vec<String> = (0..RICH).map(|_| Uuid::now_v7().to_string()).collect();
        for customer in &rich {
            let amount = json!({"amount": {"amount_minor": PLENTY, "currency": "EUR"}});
            let path = format!("/wallets/{customer}/deposits");
            let deposit = Call { key: Some(customer.clone()), ..Call::new("wallet", path, amount) };
            let reply = client.post(&deposit).await?;
            anyhow::ensure!(reply.status == 201, "a deposit is refused: {reply:?}");
        }
        let (placed, gone, inside, outside) = Default::default();
        Ok(Self { client, seed, rich, token, placed, gone, inside, outside })
    }

    /// Lets so many a second come until a moment.
    pub(super) async fn come(self: &Arc<Self>, rate: u32, until: Instant) {
        let mut due = tokio::time::interval(Duration::from_secs(1) / rate.max(1));
        due.set_missed_tick_behavior(MissedTickBehavior::Burst);
        for number in 1.. {
            due.tick().await;
            if Instant::now() >= until {
                return;
            }
            if self.inside.load(Ordering::Relaxed) >= INSIDE_MAX {
                self.outside.fetch_add(1, Ordering::Relaxed);
                continue;
            }
            self.inside.fetch_add(1, Ordering::Relaxed);
            let customers = self.clone();
            tokio::spawn(async move {
                if let Err(error) = customers.visit(number).await {
                    locked(&customers.gone).push(format!("customer {number}: {error:#}"));
                }
                customers.inside.fetch_sub(1, Ordering::Relaxed);
            });
        }
    }

    async fn visit(&self, number: u64) -> Result<()> {
        let mut random = Random::of(self.seed, number);
        let wish = Wish::of(&mut random);
        let order = self.order(wish, &mut random).await?;
        let of_order = json!({"order_id": order.id});
        let (service, path) = match wish {
            Wish::Confirm => ("payment", "/payments/confirm".to_owned()),
            Wish::Decline => ("payment", "/payments/cancel".to_owned()),
            Wish::Cancel | Wish::CancelLate => ("order", format!("/orders/{}/cancel", order.id)),
            _ => return Ok(()),
        };
        let reply = self.client.post(&Call { may_come: true, ..Call::new(service, path, of_order) }).await?;
        // A 409: the order has gone on, or has ended, meanwhile.
        anyhow::ensure!([200, 409].contains(&reply.status), "{wish:?} is answered {reply:?}");
        Ok(())
    }

    /// Places an order, a third of them at the gateway.
    async fn order(&self, wish: Wish, random: &mut Random) -> Result<Placed> {
        let sku = match wish {
            Wish::Unicorn => "unicorn",
            Wish::Poor => "kettle",
            _ => random.pick(&["tea", "mug", "kettle"]),
        };
        let pieces = if wish == Wish::Poor { 30 } else { 1 + i64::try_from(random.below(2))? };
        let customer_id = match wish {
            Wish::Poor => Uuid::now_v7().to_string(),
            _ => self.rich[usize::try_from(random.below(RICH as u64))?].clone(),
        };
        let zone = if wish == Wish::Nowhere { "nowhere" } else { random.pick(&["north", "south"]) };
        let placed = Placed {
            id: String::new(),
            wish,
            customer_id,
            email: format!("{}@example.com", Uuid::now_v7().simple()),
            lines: BTreeMap::from([(sku.to_owned(), pieces)]),
        };
        self.place(placed, zone, random.below(3) == 0).await
    }

    async fn place(&self, order: Placed, zone: &str, at_gateway: bool) -> Result<Placed> {
        let lines: Vec<Value> =
            order.lines.iter().map(|(sku, pieces)| json!({"sku": sku, "quantity": pieces})).collect();
        let body = json!({
            "customer_id": order.customer_id,
            "email": order.email,
            "lines": lines,
            "address": {"zone": zone, "line": "1 Hill Road"},
            "confirmation": if order.wish.is_automatic() { "automatic" } else { "manual" },
        });
        let key = Some(Uuid::now_v7().to_string());
        let call = match at_gateway {
            true => Call { key, token: Some(self.token.clone()), ..Call::new("gateway", "/api/orders", body) },
            false => Call { key, ..Call::new("order", "/orders", body) },
        };
        let reply = self.client.post(&call).await?;
        anyhow::ensure!([201, 202].contains(&reply.status), "an order is refused: {reply:?}");
        let id = reply.body["id"].as_str().with_context(|| format!("an order without id: {reply:?}"))?.to_owned();
        let placed = Placed { id, ..order };
        locked(&self.placed).push(placed.clone());
        Ok(placed)
    }

    /// Places an order that pays by itself, and waits until it is completed.
    pub(super) async fn buy(&self) -> Result<()> {
        let order = Placed {
            id: String::new(),
            wish: Wish::Buy,
            customer_id: self.rich[0].clone(),
            email: format!("{}@example.com", Uuid::now_v7().simple()),
            lines: BTreeMap::from([("tea".to_owned(), 1)]),
        };
        let order = self.place(order, "north", false).await?;
        loop {
            let now = self.client.get("order", &format!("/orders/{}", order.id)).await?;
            match now["status"].as_str() {
                Some("completed") => return Ok(()),
                Some("cancelled") => anyhow::bail!("an order of tea is cancelled: {now}"),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// Waits until everybody has gone. Nobody stays for longer than callers go on asking.
    pub(super) async fn leave(&self) {
        while self.inside.load(Ordering::Relaxed) > 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Returns the orders that were accepted.
    pub(super) fn placed(&self) -> Vec<Placed> {
        locked(&self.placed).clone()
    }

    /// Returns the orders that wait for a customer who will never pay.
    pub(super) fn forgotten(&self) -> BTreeSet<String> {
        let placed = locked(&self.placed);
        placed.iter().filter(|order| order.wish == Wish::Forget).map(|order| order.id.clone()).collect()
    }

    /// Returns how many customers came and were not let in, because too many were inside.
    pub(super) fn outside(&self) -> u64 {
        self.outside.load(Ordering::Relaxed)
    }

    /// Returns what customers say who have gone without what they wanted.
    pub(super) fn gone(&self) -> Vec<String> {
        locked(&self.gone).clone()
    }
}
