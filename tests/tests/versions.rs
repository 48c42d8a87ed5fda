//! Two versions of a till and a ledger side by side, as real processes, under load: every sale ends, and nothing dies.
//!
//! The package `fixture` has the two versions: they differ by a new field, a new word, a new version of a message, and a
//! new message.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test may fail; its ids are its own")]

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use serde_json::{Value, json};
use testkit::{NatsServer, Process, Program, World, binary, free_port, until};
use uuid::Uuid;

const PATIENCE: Duration = Duration::from_secs(60);

/// The pause between two sales: some batches have several, and a deploy meets some at every hop.
const SALE_EVERY: Duration = Duration::from_millis(15);

const SERVER: &str = "
    host: 127.0.0.1
    port: $NATS_PORT
    jetstream { store_dir: $NATS_STORE_DIR, max_file_store: 10GiB, sync_interval: '1s' }
";

struct Service {
    process: Arc<Process>,
    url: String,
}

/// A till and a ledger, whose code changes while sales are made.
struct Market {
    world: World,
    nats: NatsServer,
    http: reqwest::Client,
    sales: RefCell<Vec<(Uuid, i64)>>,
}

impl Market {
    async fn open() -> Self {
        let world = World::new("versions").unwrap();
        let nats = NatsServer::configured(&world, SERVER).unwrap();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
        let market = Self { world, nats, http, sales: RefCell::default() };
        market.provision(1).await;
        market
    }

    fn program(&self, fixture: &str, instance: u32) -> Program {
        let name = fixture.split('-').next().unwrap();
        let database = self.world.directory().join(format!("{name}.db"));
        Program::new(format!("{fixture}-{instance}"), binary("fixture").unwrap())
            .env("FIXTURE", fixture)
            .env("NATS_URL", self.nats.url())
            .env("INSTANCE", instance.to_string())
            .env("DATABASE_URL", format!("sqlite://{}", database.display()))
    }

    async fn provision(&self, version: u32) {
        let process = self.world.start(self.program(&format!("provision-{version}"), 0)).unwrap();
        let ended = until("provisioning to end", PATIENCE, async || process.ended().ok_or("it is running")).await;
        assert!(ended.ends_with("exit status: 0"), "{ended}\n{}", process.last_lines(20));
    }

    /// Starts an instance of a version, and waits until it is ready.
    async fn start(&self, fixture: &str, instance: u32) -> Service {
        let listen = format!("127.0.0.1:{}", free_port().unwrap());
        let process = self.world.start(self.program(fixture, instance).env("LISTEN", &listen)).unwrap();
        let service = Service { process, url: format!("http://{listen}") };
        self.is_ready(&service).await;
        service
    }

    async fn is_ready(&self, service: &Service) {
        until("the service to be ready", PATIENCE, async || match self.readiness(service).await {
            Ok((true, _)) => Ok(()),
            Ok((false, text)) => Err(text),
            Err(error) => Err(format!("{error}\n{}", service.process.last_lines(20))),
        })
        .await;
    }

    /// Returns whether a service is ready, and what it says about it.
    async fn readiness(&self, service: &Service) -> Result<(bool, String), reqwest::Error> {
        let response = self.http.get(format!("{}/readyz", service.url)).send().await?;
        Ok((response.status().is_success(), response.text().await?))
    }

    /// Makes sales at these tills, by turns, until the deploy has ended.
    async fn sell_during<T>(&self, tills: &[&Service], deploy: impl Future<Output = T>) -> T {
        let selling = async {
            for number in 0.. {
                self.sell(tills[number % tills.len()], number).await;
                tokio::time::sleep(SALE_EVERY).await;
            }
        };
        tokio::select! {
            () = selling => unreachable!("it sells for ever"),
            done = deploy => done,
        }
    }

    /// Makes a sale. A till that is stopped, or refuses, makes none.
    async fn sell(&self, till: &Service, number: usize) {
        let sale = Uuid::now_v7();
        let euros = if number.is_multiple_of(5) { 2_000 } else { 20 };
        let body = json!({"sale": sale, "euros": euros});
        let response = self.http.post(format!("{}/sales", till.url)).json(&body).send().await;
        if response.is_ok_and(|response| response.status().is_success()) {
            self.sales.borrow_mut().push((sale, euros));
        }
    }

    async fn row(&self, service: &Service, id: Uuid) -> Option<Value> {
        let response = self.http.get(format!("{}/rows/{id}", service.url)).send().await.ok()?;
        if response.status().is_success() { response.json().await.ok() } else { None }
    }

    /// Waits until every sale is booked and audited, or cancelled, and checks that nothing died on the way.
    async fn all_ended(&self, till: &Service, ledger: &Service) {
        let sales = self.sales.borrow().clone();
        assert!(sales.len() > 50, "only {} sales were made", sales.len());
        for (sale, euros) in sales {
            let expected = if euros > 1_000 { "cancelled" } else { "booked" };
            until(format_args!("sale {sale} to be {expected}"), PATIENCE, async || {
                let row = self.row(till, sale).await.unwrap_or_default();
                if row["status"] == expected { Ok(()) } else { Err(row.to_string()) }
            })
            .await;
            if expected == "booked" {
                until(format_args!("sale {sale} to be audited"), PATIENCE, async || {
                    let row = self.row(ledger, sale).await.unwrap_or_default();
                    if row["audited"] == true && row["euros"] == euros { Ok(()) } else { Err(row.to_string()) }
                })
                .await;
            }
        }
        assert_eq!(self.dead_letters().await, Vec::<String>::new());
        self.is_ready(till).await;
        self.is_ready(ledger).await;
    }

    async fn dead_letters(&self) -> Vec<String> {
        let client = async_nats::connect(self.nats.url()).await.unwrap();
        let stream = async_nats::jetstream::new(client).get_stream("DEAD_LETTERS").await.unwrap();
        let subjects = stream.info_with_subjects("dead.>").await.unwrap();
        subjects.map(|subject| subject.unwrap().0).collect().await
    }
}

async fn pause() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn both_versions_of_both_services_work_side_by_side() {
    let market = Market::open().await;
    let (till, ledger) = (market.start("till-1", 0).await, market.start("ledger-1", 0).await);
    market.provision(2).await;
    let (other_till, other_ledger) = (market.start("till-2", 1).await, market.start("ledger-2", 1).await);
    market.sell_during(&[&till, &other_till], pause()).await;
    // The first versions lead until they stop; then the second ones take over what is under way.
    market
        .sell_during(&[&till, &other_till], async {
            ledger.process.stop().unwrap();
            pause().await;
            till.process.stop().unwrap();
            pause().await;
        })
        .await;
    market.all_ended(&other_till, &other_ledger).await;
}

#[tokio::test]
async fn subscribers_may_be_deployed_first() {
    let market = Market::open().await;
    let (till, ledger) = (market.start("till-1", 0).await, market.start("ledger-1", 0).await);
    let deploy = async {
        pause().await;
        market.provision(2).await;
        ledger.process.stop().unwrap();
        let ledger = market.start("ledger-2", 0).await;
        pause().await;
        till.process.stop().unwrap();
        (market.start("till-2", 0).await, ledger)
    };
    let (till, ledger) = market.sell_during(&[&till], deploy).await;
    market.sell_during(&[&till], pause()).await;
    market.all_ended(&till, &ledger).await;
}

#[tokio::test]
async fn a_publisher_that_is_deployed_first_keeps_what_its_subscriber_does_not_know() {
    let market = Market::open().await;
    let (till, ledger) = (market.start("till-1", 0).await, market.start("ledger-1", 0).await);
    market.sell_during(&[&till], pause()).await;
    till.process.stop().unwrap();
    let till = market.start("till-2", 0).await;
    market.sell_during(&[&till], pause()).await;
    until("the till to say what it keeps", PATIENCE, async || match market.readiness(&till).await {
        Ok((_, text)) if text.contains("book-sale") && text.contains("ledger") => Ok(()),
        other => Err(format!("{other:?}")),
    })
    .await;
    market.provision(2).await;
    ledger.process.stop().unwrap();
    let ledger = market.start("ledger-2", 0).await;
    market.sell_during(&[&till], pause()).await;
    market.all_ended(&till, &ledger).await;
    let receipts = async |sale| market.row(&ledger, sale).await.unwrap_or_default()["receipts"].clone();
    let (sale, _) = *market.sales.borrow().iter().rev().find(|(_, euros)| *euros < 1_000).unwrap();
    until("the receipt to be printed", PATIENCE, async || match receipts(sale).await {
        receipts if receipts == 1 => Ok(()),
        receipts => Err(receipts.to_string()),
    })
    .await;
}

#[tokio::test]
async fn a_deploy_can_be_taken_back_and_made_again() {
    let market = Market::open().await;
    let (till, ledger) = (market.start("till-1", 0).await, market.start("ledger-1", 0).await);
    market.sell_during(&[&till], pause()).await;
    market.provision(2).await;
    ledger.process.stop().unwrap();
    till.process.stop().unwrap();
    let (ledger, till) = (market.start("ledger-2", 0).await, market.start("till-2", 0).await);
    market.sell_during(&[&till], pause()).await;
    // Back: publishers first, because the first ledger does not know what the second till publishes. What the second
    // ledger has booked meanwhile is audited by the first one, which writes the same rows.
    till.process.stop().unwrap();
    pause().await;
    ledger.process.stop().unwrap();
    let (till, ledger) = (market.start("till-1", 0).await, market.start("ledger-1", 0).await);
    market.sell_during(&[&till], pause()).await;
    market.all_ended(&till, &ledger).await;
    // Forth again: what the second version had written is still there.
    ledger.process.stop().unwrap();
    till.process.stop().unwrap();
    let (ledger, till) = (market.start("ledger-2", 0).await, market.start("till-2", 0).await);
    market.sell_during(&[&till], pause()).await;
    market.all_ended(&till, &ledger).await;
    let mut online = 0;
    let sales = market.sales.borrow().clone();
    for (sale, _) in sales {
        let entry = market.row(&ledger, sale).await.unwrap_or_default();
        online += u32::from(entry["kind"] == "online");
    }
    assert!(online > 50, "only {online} entries still have their kind");
}
