//! The results as a compact table.

use std::fmt::{self, Display, Formatter};

use super::soak::Soak;
use super::{Interval, Options};

/// The results of a benchmark.
pub enum Report {
    /// Of the closed loop, the open loop, and the ceiling.
    Load(LoadReport),
    /// Of a soak.
    Soak(Soak),
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(report) => report.fmt(f),
            Self::Soak(soak) => soak.fmt(f),
        }
    }
}

/// What was measured of the shop under load, and of the server alone.
pub struct LoadReport {
    pub(crate) options: Options,
    pub(crate) closed: Interval,
    pub(crate) open: Option<Interval>,
    /// Messages a second that the server carries without any work.
    pub(crate) ceiling: Option<f64>,
}

#[allow(clippy::cast_precision_loss, reason = "far below 2^52")]
impl Interval {
    pub(super) fn orders(&self) -> f64 {
        self.counted.microseconds.len() as f64
    }

    fn messages_per_second(&self) -> f64 {
        self.messages as f64 / self.seconds
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        self.counted.microseconds.value_at_quantile(quantile) as f64 / 1_000.0
    }

    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (orders, cancelled) = (self.orders(), self.counted.cancelled as f64);
        let (per_second, cancelled) = (orders / self.seconds, 100.0 * cancelled / orders.max(1.0));
        writeln!(
            f,
            "  orders ended   {per_second:>9.0} /s   {orders} in {:.1} s, {cancelled:.1} % cancelled",
            self.seconds
        )?;
        let per_order = self.messages as f64 / orders.max(1.0);
        writeln!(f, "  messages       {:>9.0} /s   {per_order:.1} an order", self.messages_per_second())?;
        let (half, most, all) = (self.quantile_ms(0.5), self.quantile_ms(0.99), self.quantile_ms(1.0));
        writeln!(f, "  order to end   {half:>9.1} ms p50   {most:.1} ms p99   {all:.1} ms at most")?;
        if self.counted.refused > 0 {
            writeln!(f, "  refused        {:>9} times (503)", self.counted.refused)?;
        }
        Ok(())
    }

    fn write_processes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:<12} {:>22} {:>8} {:>12}", "process", "CPU s / 1,000 orders", "cores", "peak memory")?;
        let mut all = 0.0;
        for used in &self.used {
            all += used.cpu_seconds;
            let peak = used.peak_kib as f64 / 1024.0;
            self.write_process(f, &used.name, used.cpu_seconds, &format!("{peak:.0} MiB"))?;
        }
        self.write_process(f, "all", all, "")
    }

    fn write_process(&self, f: &mut Formatter<'_>, name: &str, cpu_seconds: f64, peak: &str) -> fmt::Result {
        let (per_thousand, cores) = (1_000.0 * cpu_seconds / self.orders().max(1.0), cpu_seconds / self.seconds);
        writeln!(f, "  {name:<12} {per_thousand:>22.3} {cores:>8.2} {peak:>12}")
    }
}

impl Display for LoadReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Options { clients, warm_up, rate, nowhere_percent, through_gateway, .. } = self.options;
        let door = if through_gateway { "gateway" } else { "order" };
        writeln!(
            f,
            "Closed loop: {clients} clients at {door} after {warm_up} s of warm-up, {nowhere_percent} % without dealer"
        )?;
        self.closed.write(f)?;
        self.closed.write_processes(f)?;
        if let Some(open) = &self.open {
            writeln!(f, "Open loop: {rate} orders/s")?;
            open.write(f)?;
        }
        if let Some(ceiling) = self.ceiling {
            let (shop, share) =
                (self.closed.messages_per_second(), 100.0 * self.closed.messages_per_second() / ceiling);
            writeln!(f, "Ceiling: {ceiling:.0} messages/s published and consumed without any work")?;
            write!(f, "  The shop's {shop:.0} messages/s are {share:.0} % of it.")?;
        }
        Ok(())
    }
}
