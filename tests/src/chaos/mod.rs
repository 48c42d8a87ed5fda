//! Real crashes: the whole shop as processes, under load, while one fault after another happens; then what must hold is
//! read from the services' own HTTP interfaces.
//!
//! A seed decides the faults and what customers want. When exactly each happens depends on the machine, so a run can be
//! repeated only in kind.

mod client;
mod customers;
mod evidence;
mod fault;
mod mail_server;
mod operator;
mod options;
mod random;
mod recovery;
mod report;
mod site;
mod stored;
mod strike;
mod verdict;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::time::sleep;

use crate::service::{SERVICES, operator_token};
use client::Client;
use customers::Customers;
use evidence::Evidence;
pub use fault::Kind;
use fault::{Fault, Faults};
use operator::{Operator, dead_letters};
pub use options::Options;
use recovery::Watch;
pub use report::{Recoveries, Report};
use site::{Site, TWICE};
use stored::Stored;
use verdict::broken;

/// How long the last orders may take after the last customer: payments that nobody confirms expire after 10 s.
const DRAINED_MAX: Duration = Duration::from_secs(120);
/// How long it is waited for the rest to settle: money that goes back, mails.
const SETTLED_MAX: Duration = Duration::from_secs(60);
/// How often it is looked whether everything has settled.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

/// Opens a shop, lets faults happen to it, and closes it. Returns the report.
///
/// # Errors
/// When something cannot be started, or a fault cannot be brought about.
pub fn run(options: &Options) -> Result<Report> {
    // Customers who wait keep their connections.
    let open_files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: open_files.maximum, ..open_files })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let site = Site::open().await?;
        let report = async { Run::of(options, &site).await?.go().await }.await;
        if let Some(logs) = &options.logs {
            copy_logs(&site, logs)?;
        }
        report
    })
}

fn copy_logs(site: &Site, logs: &PathBuf) -> Result<()> {
    std::fs::create_dir_all(logs)?;
    for file in std::fs::read_dir(site.premises.world.directory())? {
        let path = file?.path();
        if let (Some("log"), Some(name)) = (path.extension().and_then(|ending| ending.to_str()), path.file_name()) {
            std::fs::copy(&path, logs.join(name)).with_context(|| format!("copying {}", path.display()))?;
        }
    }
    Ok(())
}

/// A run that is under way.
struct Run<'a> {
    options: &'a Options,
    site: &'a Site,
    client: Arc<Client>,
    customers: Arc<Customers>,
    operator: Operator,
    stock: BTreeMap<String, i64>,
    report: Report,
    begin: Instant,
}

impl<'a> Run<'a> {
    async fn of(options: &'a Options, site: &'a Site) -> Result<Self> {
        let now = jiff::Timestamp::now().as_millisecond().unsigned_abs();
        let seed = options.seed.unwrap_or(now % 1_000_000);
        let client = Arc::new(Client::new(&site.premises)?);
        let customers = Arc::new(Customers::new(client.clone(), seed, operator_token().await?).await?);
        let products = client.list("inventory", "/products?").await?;
        let stock = |product: &Value| Some((product["sku"].as_str()?.to_owned(), product["stock"].as_i64()?));
        let stock = products.iter().filter_map(stock).collect();
        let seconds = (options.minutes * 60.0).max(1.0) as u64;
        let report = Report { seed, rate: options.rate, seconds, ..Report::default() };
        Ok(Self {
            options,
            site,
            client,
            customers,
            operator: Operator::default(),
            stock,
            report,
            begin: Instant::now(),
        })
    }

    fn watch(&self) -> Watch<'_> {
        Watch { site: self.site, client: &self.client, customers: &self.customers, operator: &self.operator }
    }

    /// Lets customers come and faults happen, and judges what is left.
    async fn go(mut self) -> Result<Report> {
        self.say(&format!("seed {}", self.report.seed));
        let until = self.begin + Duration::from_secs(self.report.seconds);
        let customers = self.customers.clone();
        let rate = self.options.rate;
        let coming = tokio::spawn(async move { customers.come(rate, until).await });
        for fault in Faults::new(self.report.seed, &self.options.only, &TWICE) {
            let ends = Instant::now() + fault.after + fault.lasts;
            if ends >= until || !self.report.is_well() {
                break;
            }
            self.let_happen(&fault).await?;
        }
        coming.await?;
        self.customers.leave().await;
        self.say("no more customers come");
        self.judge().await?;
        Ok(self.report)
    }

    async fn let_happen(&mut self, fault: &Fault) -> Result<()> {
        sleep(fault.after).await;
        let Fault { kind, service, instance, lasts, .. } = fault;
        self.say(&format!("{kind} ({service}, instance {instance}) for {} ms", lasts.as_millis()));
        let leases_before = (*kind == Kind::LoadAlone).then(|| self.site.lost_leases());
        self.site.strike(fault).await.with_context(|| format!("bringing about {kind}"))?;
        if leases_before.is_some_and(|before| self.site.lost_leases() > before) {
            self.report.broken.push("a leader has lost its lease under nothing but the load".to_owned());
        }
        let recovery = self.watch().recovery(kind.needs_operator()).await;
        match &recovery {
            Ok(it) => self.say(&format!("  recovered after {:?}, all done after {:?}", it.order, it.backlog)),
            Err(error) => self.report.broken.push(format!("after {kind} ({service}): {error:#}")),
        }
        self.report.faults.entry(*kind).or_default().add(recovery.ok());
        Ok(())
    }

    /// Waits until everything has ended, and checks what must hold.
    async fn judge(&mut self) -> Result<()> {
        self.report.broken.extend(self.customers.gone());
        if let Err(error) = self.drained().await {
            self.report.broken.push(format!("{error:#}"));
        }
        let mut first = None;
        let (evidence, left) = loop {
            let (placed, mails) = (self.customers.placed(), self.site.mail.received());
            let evidence = Evidence::collect(&self.client, placed, &self.stock, &mails).await?;
            let left = [broken(&evidence).sentences(), self.unwell().await].concat();
            // Collecting takes a minute after many orders, and what it has missed may be there by its end.
            if left.is_empty() || first.get_or_insert_with(Instant::now).elapsed() > SETTLED_MAX {
                break (evidence, left);
            }
            self.operator.look(self.site, &self.client).await?;
            sleep(LOOKS_EVERY).await;
        };
        self.report.broken.extend(left);
        self.note(&evidence).await
    }

    /// Waits until no order is open.
    async fn drained(&self) -> Result<()> {
        let begin = Instant::now();
        for status in ["pending", "confirmed"] {
            loop {
                let open = self.client.get("order", &format!("/orders?status={status}&limit=1")).await?;
                if open["items"].as_array().is_some_and(Vec::is_empty) {
                    break;
                }
                anyhow::ensure!(begin.elapsed() < DRAINED_MAX, "orders do not end, such as {}", open["items"][0]);
                self.operator.look(self.site, &self.client).await?;
                sleep(LOOKS_EVERY).await;
            }
        }
        Ok(())
    }

    /// Returns which services are not ready, or hold messages back.
    async fn unwell(&self) -> Vec<String> {
        let mut unwell = Vec::new();
        for name in SERVICES {
            for reply in self.client.every(name, "/readyz").await {
                if reply.status != 200 || reply.body["compensations"].is_string() {
                    unwell.push(format!("{name} is not well: {}", reply.body));
                }
            }
            for reply in self.client.every(name, "/circuits").await {
                if reply.body["circuits"].as_array().is_some_and(|circuits| !circuits.is_empty()) {
                    unwell.push(format!("{name} holds messages back: {}", reply.body));
                }
            }
        }
        unwell
    }

    /// Notes what the report tells beside the faults.
    async fn note(&mut self, evidence: &Evidence) -> Result<()> {
        let (stored, done) = (Stored::read(self.site).await?, self.operator.done());
        let report = &mut self.report;
        report.broken.extend(stored.done_twice());
        (report.resumed, report.lost) = (done.resumed, done.lost);
        (report.messages_per_order, report.copies) = (stored.messages_per_order(), stored.copies());
        (report.orders, report.outside) = (evidence.placed.len() as u64, self.customers.outside());
        report.mails_again = evidence.mails_again;
        let text = |value: &Value| value.as_str().unwrap_or("unknown").to_owned();
        for order in &evidence.placed {
            let known = evidence.orders.get(&order.id).map(|known| &known.order).unwrap_or(&Value::Null);
            let reason = known["reason"].as_str().map_or(String::new(), |reason| format!(" ({reason})"));
            *report.outcomes.entry(text(&known["status"]) + &reason).or_default() += 1;
        }
        for dead in dead_letters(self.site).await? {
            let what = ["service", "message", "reason"].map(|field| text(&dead[field])).join("/");
            *report.dead_letters.entry(what).or_default() += 1;
        }
        Ok(())
    }

    fn say(&self, what: &str) {
        eprintln!("{:7.1} s  {what}", self.begin.elapsed().as_secs_f64());
    }
}
