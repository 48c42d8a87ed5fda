//! The role of a message, as its contract names it and as a dead letter carries it.

use serde::Serialize;

/// What a message is for in the choreography.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It asks for something to be done. It expires, and while its circuit is open no new story begins.
    Step,
    /// It states a fact. It never expires. Its circuit holds back the event itself, and never the intake.
    Event,
    /// It undoes what a step did. It may overtake that step, never expires, and passes every circuit.
    Compensation,
}

impl Role {
    const ALL: [Self; 3] = [Self::Step, Self::Event, Self::Compensation];

    /// Returns the role as it is written in a dead letter's headers and in a contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Event => "event",
            Self::Compensation => "compensation",
        }
    }

    /// Returns the role of this name; none if there is no such role.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}
