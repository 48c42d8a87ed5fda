//! How each fault begins, and how it ends.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::Config;
use testkit::NatsServer;
use tokio::task::block_in_place;
use tokio::time::sleep;

use super::fault::{Fault, Kind};
use super::site::Site;
use crate::service::Service;

/// Less than a database's log has under load: nearly every write fails.
const FILE_BYTES_MAX: u64 = 64 * 1_024;
/// What the disk has not written when the power fails.
const UNSYNCED: Duration = Duration::from_secs(1);
/// How much later everything arrives in a slow network.
const SLOW: Duration = Duration::from_millis(20);
/// How long a connection lasts while the network is cut again and again, and how much passes over it at most.
const CUT_EVERY: Duration = Duration::from_millis(400);
const CUT_AFTER_BYTES: u32 = 20_000;
/// The message server's streams.
const STREAMS: [&str; 2] = ["EVENTS", "DEAD_LETTERS"];

impl Site {
    /// Lets a fault happen, and ends it; the system has everything back when this returns.
    pub(super) async fn strike(&self, fault: &Fault) -> Result<()> {
        match fault.kind {
            Kind::KillInstance => self.kill(&[self.instances(fault.service)[fault.instance]], fault).await,
            Kind::KillService => self.kill(&self.instances(fault.service), fault).await,
            Kind::KillServer => self.kill_server(fault, |_| Ok(())).await,
            Kind::KillEverything => self.kill_everything(fault).await,
            Kind::LoseTail => self.lose_tail(fault).await,
            Kind::DamageBlock => self.kill_server(fault, damage_block).await,
            Kind::PutBack => self.put_back(fault).await,
            Kind::LoseStore => {
                self.kill_server(fault, |server| Ok(fs::remove_dir_all(server.store())?)).await?;
                self.premises.provision().await
            }
            Kind::FillDisk => self.fill_disk(fault).await,
            Kind::PauseLeader => self.pause_leader(fault).await,
            Kind::CutNetwork | Kind::SlowNetwork | Kind::StallNetwork | Kind::HalfOpenNetwork => {
                self.disturb_network(fault).await;
                Ok(())
            }
            Kind::LoadAlone => {
                sleep(fault.lasts).await;
                Ok(())
            }
            Kind::HangMail => {
                self.mail_proxy.freeze();
                sleep(fault.lasts).await;
                self.mail_proxy.thaw();
                Ok(())
            }
        }
    }

    async fn kill(&self, instances: &[&Service], fault: &Fault) -> Result<()> {
        instances.iter().for_each(|instance| block_in_place(|| instance.process.kill()));
        sleep(fault.lasts).await;
        instances.iter().try_for_each(|instance| block_in_place(|| instance.process.restart()))
    }

    /// Kills the message server, and starts it again after something was done to its files.
    async fn kill_server(&self, fault: &Fault, damage: impl FnOnce(&NatsServer) -> Result<()>) -> Result<()> {
        let server = &self.premises.nats;
        block_in_place(|| server.process.kill());
        sleep(fault.lasts).await;
        block_in_place(|| {
            damage(server)?;
            server.restart()
        })
    }

    async fn kill_everything(&self, fault: &Fault) -> Result<()> {
        let services: Vec<&Service> = self.premises.services().iter().collect();
        self.kill_server(fault, |_| {
            services.iter().for_each(|service| service.process.kill());
            Ok(())
        })
        .await?;
        self.kill(&services, &Fault { lasts: Duration::ZERO, ..*fault }).await
    }

    async fn lose_tail(&self, fault: &Fault) -> Result<()> {
        let sizes = |server: &NatsServer| -> BTreeMap<PathBuf, u64> {
            // A stream without messages has no files.
            let blocks = STREAMS.iter().flat_map(|stream| server.blocks(stream).unwrap_or_default());
            blocks.filter_map(|block| Some((block.clone(), fs::metadata(block).ok()?.len()))).collect()
        };
        let synced = block_in_place(|| sizes(&self.premises.nats));
        sleep(UNSYNCED).await;
        self.kill_server(fault, |server| {
            for block in sizes(server).into_keys() {
                match synced.get(&block) {
                    Some(bytes) => OpenOptions::new().write(true).open(&block)?.set_len(*bytes)?,
                    None => fs::remove_file(&block)?,
                }
            }
            Ok(())
        })
        .await
    }

    async fn put_back(&self, fault: &Fault) -> Result<()> {
        let copy = self.premises.world.directory().join("older-copy");
        block_in_place(|| self.premises.nats.copy_store(&copy))?;
        sleep(fault.lasts).await;
        let now = Fault { lasts: Duration::ZERO, ..*fault };
        self.kill_server(&now, |server| server.put_back(&copy)).await
    }

    async fn fill_disk(&self, fault: &Fault) -> Result<()> {
        let instances = self.instances(fault.service);
        instances.iter().try_for_each(|instance| instance.process.limit_files(Some(FILE_BYTES_MAX)))?;
        sleep(fault.lasts).await;
        instances.iter().try_for_each(|instance| instance.process.limit_files(None))
    }

    /// Stops a leader, perhaps in the middle of a commit.
    async fn pause_leader(&self, fault: &Fault) -> Result<()> {
        let leader = self.leader(fault.service).await?;
        block_in_place(|| leader.process.pause())?;
        sleep(fault.lasts).await;
        leader.process.resume()
    }

    /// Returns the instance whose consumer is read.
    async fn leader(&self, name: &str) -> Result<&Service> {
        let events = self.admin().await?.get_stream("EVENTS").await.context("looking for the stream")?;
        let instances = self.instances(name);
        for (number, instance) in instances.iter().enumerate() {
            let consumer: Consumer<Config> =
                events.get_consumer(&format!("{name}-{number}")).await.map_err(anyhow::Error::msg)?;
            if consumer.cached_info().num_waiting > 0 {
                return Ok(instance);
            }
        }
        instances.first().copied().with_context(|| format!("no service {name}"))
    }

    async fn disturb_network(&self, fault: &Fault) {
        let proxies = self.proxies(fault.service);
        match fault.kind {
            Kind::CutNetwork => {
                let times = fault.lasts.as_millis() / CUT_EVERY.as_millis();
                for time in 0..u32::try_from(times).unwrap_or(0) {
                    // In the middle of another message each time.
                    proxies.iter().for_each(|proxy| proxy.cut_after(CUT_AFTER_BYTES / (time + 1)));
                    sleep(CUT_EVERY).await;
                    proxies.iter().for_each(|proxy| proxy.cut());
                }
            }
            Kind::SlowNetwork => {
                proxies.iter().for_each(|proxy| proxy.delay(SLOW));
                sleep(fault.lasts).await;
                proxies.iter().for_each(|proxy| proxy.delay(Duration::ZERO));
            }
            Kind::StallNetwork => {
                proxies.iter().for_each(|proxy| proxy.freeze());
                sleep(fault.lasts).await;
                proxies.iter().for_each(|proxy| proxy.thaw());
            }
            _ => proxies.iter().for_each(|proxy| proxy.silence()),
        }
    }
}

/// Damages the file before the last one, or the last one if there is no other: messages in the middle of the stream are
/// gone, or its end.
fn damage_block(server: &NatsServer) -> Result<()> {
    let blocks = server.blocks("EVENTS")?;
    let damaged = blocks.iter().rev().take(2).next_back().context("the stream has no file")?;
    NatsServer::zero_middle(damaged)
}
