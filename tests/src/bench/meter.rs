//! CPU time and memory of processes, from `/proc`.

use anyhow::{Context, Result};

use crate::premises::Premises;

/// What one process has used so far.
#[derive(Debug, Clone)]
pub(crate) struct ProcessUsage {
    /// Its name.
    pub(crate) name: String,
    /// CPU time in user and system mode, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Its memory, in KiB.
    pub(crate) resident_kib: u64,
    /// Its peak memory, in KiB.
    pub(crate) peak_kib: u64,
}

impl ProcessUsage {
    /// Returns what was used between an earlier measurement and this one; the memory is of this one.
    pub(crate) fn since(self, before: &Self) -> Self {
        Self { cpu_seconds: self.cpu_seconds - before.cpu_seconds, ..self }
    }
}

/// The processes of the shop, and this one.
pub(crate) struct Meter {
    processes: Vec<(String, u32)>,
}

impl Meter {
    pub(crate) fn of(premises: &Premises) -> Self {
        let services = premises.services().iter().map(|service| (service.name.to_owned(), service.process.id()));
        let rest =
            [("nats-server".to_owned(), premises.nats.process.id()), ("generator".to_owned(), std::process::id())];
        Self { processes: services.chain(rest).collect() }
    }

    pub(crate) fn read(&self) -> Result<Vec<ProcessUsage>> {
        self.processes.iter().map(|(name, id)| read(name, *id)).collect()
    }
}

fn read(name: &str, id: u32) -> Result<ProcessUsage> {
    let file =
        |file: &str| std::fs::read_to_string(format!("/proc/{id}/{file}")).with_context(|| format!("{name} is gone"));
    let (stat, status) = (file("stat")?, file("status")?);
    // The second field is the name in brackets, which may contain anything; user and system time are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok());
    let ticks = ticks(11).zip(ticks(12)).map(|(user, system)| user + system).context("reading /proc/<id>/stat")?;
    let kib = |field: &str| {
        let value = status.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok());
        value.context("reading /proc/<id>/status")
    };
    let (resident_kib, peak_kib) = (kib("VmRSS:")?, kib("VmHWM:")?);
    #[allow(clippy::cast_precision_loss, reason = "a hundred or so")]
    let per_second = rustix::param::clock_ticks_per_second() as f64;
    Ok(ProcessUsage { name: name.to_owned(), cpu_seconds: ticks / per_second, resident_kib, peak_kib })
}
