//! What is wrong with a service, and what to do about it.

use super::happened::Happened;

/// A property that every service has.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Property {
    Idempotence,
    Race(String, String),
    Tombstone,
    SilentEnd,
    UnknownFields,
    Finality,
    Survival,
    /// One that the service itself has named.
    Own(String),
}

impl Property {
    /// Returns it as a sentence.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Idempotence => "twice is as once".to_owned(),
            Self::Race(one, other) => format!("{one} and {other} may come in any order"),
            Self::Tombstone => "a step does nothing after its compensation or its death".to_owned(),
            Self::SilentEnd => "no story ends silently".to_owned(),
            Self::UnknownFields => "what a newer version has added is kept".to_owned(),
            Self::Finality => "a final row stays final".to_owned(),
            Self::Survival => "a compensation and a fallback don't die".to_owned(),
            Self::Own(name) => name.clone(),
        }
    }

    /// Returns what to do about it.
    pub(super) fn advice(&self) -> &'static str {
        match self {
            Self::Idempotence => "find out from the rows whether it was done already, and do nothing then",
            Self::Race(..) => {
                "let the row say what came first, and make both orders end alike. Say which states are final by \
                 `#[row(final = …)]`. If the outcome is right, say so: `Properties::race`"
            }
            Self::Tombstone => {
                "let the compensation, or the fallback, write a row even if there is none (a tombstone), and let the \
                 step do nothing if there is a row"
            }
            Self::SilentEnd => {
                "publish a refusal, or leave a row that is final (`#[row(final = …)]`) or that another message or \
                 command takes"
            }
            Self::UnknownFields => {
                "have rows and messages ignore fields that they don't know: no `deny_unknown_fields`. The runtime keeps \
                 those of rows where it sees them: no `flatten`, and no row that is an enum with data; make that a struct \
                 which has the enum in a field"
            }
            Self::Finality => "do nothing if the row is final, or don't call it final in `#[row(final = …)]`",
            Self::Survival => "let it do what it can in whatever state the rows are: nothing else will be called",
            Self::Own(_) => "read the story: the last message broke it",
        }
    }
}

/// How a service breaks a property.
#[derive(Debug, Clone)]
pub(super) struct Violation {
    pub(super) property: Property,
    /// What happened instead, as a sentence.
    pub(super) problem: String,
    /// What led to it, after the story so far; several alternatives for a race.
    pub(super) branches: Vec<Vec<Happened>>,
}

impl Violation {
    /// Returns a violation by what happened last.
    pub(super) fn of(property: Property, problem: impl Into<String>, last: Happened) -> Self {
        Self { property, problem: problem.into(), branches: vec![vec![last]] }
    }

    /// Puts what happened before in front of each branch.
    pub(super) fn after(mut self, before: &[Happened]) -> Self {
        for branch in &mut self.branches {
            branch.splice(0..0, before.iter().cloned());
        }
        self
    }
}
