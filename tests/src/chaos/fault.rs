//! The faults, and the order in which a seed lets them happen.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use super::random::Random;

/// What may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One instance of a service ends with SIGKILL.
    KillInstance,
    /// All instances of a service end with SIGKILL.
    KillService,
    /// The message server ends with SIGKILL.
    KillServer,
    /// The message server and every service end with SIGKILL.
    KillEverything,
    /// The message server loses what its streams stored in the last second, as in a power cut.
    LoseTail,
    /// A bad spot of the disk in a file with messages.
    DamageBlock,
    /// The message server's files are put back to a copy that is some seconds old.
    PutBack,
    /// The message server's files are gone, and its streams are created anew: every service halts, and an operator lets
    /// it go on.
    LoseStore,
    /// A service can write nothing more to its database.
    FillDisk,
    /// The leader of a service is stopped for longer than its lease, and then works on, as if it still led.
    PauseLeader,
    /// The connections between a service and the message server are cut again and again, in the middle of messages.
    CutNetwork,
    /// What a service and the message server send to each other is slow.
    SlowNetwork,
    /// Nothing passes between a service and the message server for a while; then everything does.
    StallNetwork,
    /// The connections between a service and the message server die, and neither is told; new ones work.
    HalfOpenNetwork,
    /// The mail server answers nobody.
    HangMail,
    /// Nothing but the load: no leader may lose its lease.
    LoadAlone,
}

impl Kind {
    /// Every one of them.
    pub const ALL: [Self; 16] = [
        Self::KillInstance,
        Self::KillService,
        Self::KillServer,
        Self::KillEverything,
        Self::LoseTail,
        Self::DamageBlock,
        Self::PutBack,
        Self::LoseStore,
        Self::FillDisk,
        Self::PauseLeader,
        Self::CutNetwork,
        Self::SlowNetwork,
        Self::StallNetwork,
        Self::HalfOpenNetwork,
        Self::HangMail,
        Self::LoadAlone,
    ];

    /// Whether the shop waits for an operator: every service halts, because the messages that it has read are gone.
    pub(super) fn needs_operator(self) -> bool {
        self == Self::LoseStore
    }

    /// Returns for how many milliseconds it lasts, or what is killed stays away.
    fn lasts_ms(self) -> std::ops::Range<u64> {
        match self {
            Self::KillInstance | Self::KillService | Self::KillServer | Self::KillEverything => 0..2_000,
            Self::LoseTail | Self::DamageBlock | Self::LoseStore => 0..500,
            // The copy is so old. What was stored since then is published again, in about as much time.
            Self::PutBack => 2_000..4_000,
            Self::FillDisk | Self::CutNetwork | Self::SlowNetwork | Self::StallNetwork | Self::HangMail => 2_000..6_000,
            // A lease lasts 4 s.
            Self::PauseLeader | Self::LoadAlone => 5_500..8_000,
            Self::HalfOpenNetwork => 0..1,
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let kind = Self::ALL.into_iter().find(|kind| kind.to_string() == name);
        kind.ok_or_else(|| format!("choose among {}", Self::ALL.map(|kind| kind.to_string()).join(", ")))
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{self:?}");
        for (place, letter) in name.char_indices() {
            if letter.is_uppercase() && place > 0 {
                f.write_str("-")?;
            }
            write!(f, "{}", letter.to_ascii_lowercase())?;
        }
        Ok(())
    }
}

/// A fault that is going to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    /// The service that it concerns, if it concerns one.
    pub(super) service: &'static str,
    /// The instance of the service that it concerns, if it concerns one.
    pub(super) instance: usize,
    /// How long it lasts.
    pub(super) lasts: Duration,
    /// How long it is quiet before it.
    pub(super) after: Duration,
}

/// The faults of a run, one after the other: each kind once in random order, then each again.
pub(super) struct Faults {
    random: Random,
    kinds: Vec<Kind>,
    left: Vec<Kind>,
    services: Vec<&'static str>,
}

/// How long it is quiet before a fault, in milliseconds: long enough to see whether the shop is well.
const QUIET_MS: std::ops::Range<u64> = 500..1_500;

impl Faults {
    /// Returns those that a seed decides, of these kinds, at services that have two instances.
    pub(super) fn new(seed: u64, kinds: &[Kind], services: &[&'static str]) -> Self {
        Self { random: Random::of(seed, 0), kinds: kinds.to_vec(), left: Vec::new(), services: services.to_vec() }
    }
}

impl Iterator for Faults {
    type Item = Fault;

    fn next(&mut self) -> Option<Fault> {
        if self.left.is_empty() {
            self.left = self.kinds.clone();
            self.random.shuffle(&mut self.left);
        }
        let kind = self.left.pop()?;
        let (service, instance) = (self.random.pick(&self.services), self.random.pick(&[0, 1]));
        let lasts = Duration::from_millis(self.random.within(kind.lasts_ms()));
        let after = Duration::from_millis(self.random.within(QUIET_MS));
        Some(Fault { kind, service, instance, lasts, after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(seed: u64) -> Vec<Fault> {
        Faults::new(seed, &Kind::ALL, &["order", "payment"]).take(2 * Kind::ALL.len()).collect()
    }

    #[test]
    fn a_seed_decides_the_faults_and_each_kind_comes_as_often() {
        assert_eq!(first(7), first(7));
        assert_ne!(first(7), first(8));
        let mut kinds: Vec<Kind> = first(7).iter().map(|fault| fault.kind).collect();
        kinds.sort();
        assert_eq!(kinds, Kind::ALL.iter().flat_map(|kind| [*kind; 2]).collect::<Vec<_>>());
    }

    #[test]
    fn a_kind_is_named_as_in_json() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.to_string());
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert_eq!(Kind::LoseStore.to_string(), "lose-store");
    }
}
