//! One step of a choreography, with its types erased: what the batch needs to call it.

use std::any::Any;
use std::collections::BTreeSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::function::{AnswersWith, Function, Load};
use crate::message::{Command, Dead, Hear, Heard, Message, Reason};
use crate::tables::{Tables, Unready};
use crate::words::{Answers, Refused, Said, Saying, Says, Word, Words};

/// What kind of step a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A caller's command.
    Command,
    /// A reaction that moves the story on.
    Forward,
    /// A compensation.
    Undo,
    /// Something done to the world outside.
    Effect,
    /// What the service itself does with an answer of its effect.
    Then,
}

impl Kind {
    pub(crate) fn is_heard(self) -> bool {
        matches!(self, Self::Forward | Self::Undo)
    }
}

/// A heard message, a command or a death, as its step knows it.
pub(crate) type Opened = Box<dyn Any + Send + Sync>;
/// What a command's caller is answered with: its row.
pub(crate) type Answer = Box<dyn Any + Send>;

/// What came of calling a step.
pub(crate) struct Reacted {
    pub said: Vec<Said>,
    /// The row that the caller of a command is answered with, and the same as JSON.
    pub answer: Option<(Answer, String)>,
    pub refused: Option<Refused>,
}

type Want = fn(&Opened, &mut Tables);
type React = Box<dyn Fn(&Opened, &mut Tables, CheckLaw) -> Result<Reacted, Unready> + Send + Sync>;

/// Whether a reaction is done a second time, on copies, to see that this changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CheckLaw(pub bool);

/// A step that hears a message or a command.
pub(crate) struct Step {
    pub kind: Kind,
    pub message: &'static str,
    pub version: u32,
    pub words: Vec<Word>,
    pub tables: Vec<&'static str>,
    /// Whether it can do nothing before some row is there.
    pub needs_row: bool,
    pub otherwise: Option<Otherwise>,
    open: fn(&[u8], &str, Uuid, Timestamp) -> Result<Opened, String>,
    want: Want,
    react: React,
}

impl Step {
    /// The tables that it may change, also when its message has died.
    pub(crate) fn all_tables(&self) -> Vec<&'static str> {
        let otherwise = self.otherwise.iter().flat_map(|otherwise| &otherwise.tables);
        let tables: BTreeSet<_> = self.tables.iter().chain(otherwise).copied().collect();
        tables.into_iter().collect()
    }

    /// Reads a payload; its key must be the one of its subject.
    pub(crate) fn open(&self, payload: &[u8], key: &str, id: Uuid, now: Timestamp) -> Result<Opened, String> {
        (self.open)(payload, key, id, now)
    }
    pub(crate) fn want(&self, opened: &Opened, tables: &mut Tables) {
        (self.want)(opened, tables);
    }
    pub(crate) fn react(&self, opened: &Opened, tables: &mut Tables, law: CheckLaw) -> Result<Reacted, Unready> {
        (self.react)(opened, tables, law)
    }
}

fn heard<T: 'static>(opened: &Opened) -> &T {
    opened.downcast_ref().expect("a step opens what it hears itself")
}

fn open<M: Message>(payload: &[u8], key: &str, id: Uuid, now: Timestamp) -> Result<Opened, String> {
    let message: M = serde_json::from_slice(payload).map_err(|error| format!("the payload is unreadable: {error}"))?;
    let own = message.key().to_string();
    if own != key {
        return Err(format!("the payload's key is {own}, its subject's {key}"));
    }
    Ok(Box::new(Heard::new(message, id, now)))
}

pub(crate) fn reaction<P, F>(kind: Kind, function: F, tables: Vec<&'static str>) -> Step
where
    F: Function<P> + Send + Sync + 'static,
    F::Hears: Hear,
    F::Rows: Load<<F::Hears as Hear>::Message>,
    F::Says: Says,
{
    type M<F, P> = <<F as Function<P>>::Hears as Hear>::Message;
    let mut words = Vec::new();
    F::Says::vocabulary(&mut words);
    Step {
        kind,
        message: M::<F, P>::NAME,
        version: M::<F, P>::VERSION,
        words,
        tables,
        needs_row: <F::Rows as Load<M<F, P>>>::REQUIRED,
        otherwise: None,
        open: open::<M<F, P>>,
        want: |opened, tables| <F::Rows as Load<M<F, P>>>::want(&**heard::<Heard<M<F, P>>>(opened), tables),
        react: Box::new(move |opened, tables, law| {
            let heard = heard::<Heard<M<F, P>>>(opened);
            let mut rows = <F::Rows as Load<M<F, P>>>::take(&**heard, tables)?;
            let before = law.0.then(|| rows.clone());
            let (keep, said) = call(&function, F::Hears::of(heard), &mut rows)?;
            if let Some(before) = before {
                check_law(
                    M::<F, P>::NAME,
                    &function,
                    F::Hears::of(heard),
                    if keep { &rows } else { &before },
                    keep,
                    &said,
                );
            }
            if keep {
                rows.put(&**heard, tables);
            }
            Ok(Reacted { said, answer: None, refused: None })
        }),
    }
}

fn call<P, F: Function<P>>(function: &F, hears: &F::Hears, rows: &mut F::Rows) -> Result<(bool, Vec<Said>), Unready>
where
    F::Says: Says,
{
    let mut saying = Saying::default();
    let keep = function.call(hears, rows).say(&mut saying);
    Ok((keep, saying.finish()?))
}

/// The law: a reaction done twice changes no row and says nothing the second time; a refusal is the same again.
fn check_law<P, F>(name: &str, function: &F, hears: &F::Hears, after: &F::Rows, kept: bool, first: &[Said])
where
    F: Function<P>,
    F::Says: Says,
    F::Rows: Clone + PartialEq,
{
    let mut again = after.clone();
    let (keep, said) = call(function, hears, &mut again).unwrap_or((true, Vec::new()));
    let harmless = if kept { said.is_empty() && (!keep || again == *after) } else { !keep && said == first };
    assert!(
        harmless,
        "the reaction to {name} breaks the law: done a second time it {}",
        if said.is_empty() { "changes its rows" } else { "says something again" }
    );
}

pub(crate) fn command<P, F>(function: F, tables: Vec<&'static str>) -> Step
where
    F: Function<P> + Send + Sync + 'static,
    F::Hears: Hear,
    <F::Hears as Hear>::Message: Command,
    F::Rows: Load<<F::Hears as Hear>::Message> + AnswersWith<<<F::Hears as Hear>::Message as Command>::Row>,
    F::Says: Answers,
{
    type M<F, P> = <<F as Function<P>>::Hears as Hear>::Message;
    let mut words = Vec::new();
    F::Says::vocabulary(&mut words);
    Step {
        kind: Kind::Command,
        message: M::<F, P>::NAME,
        version: M::<F, P>::VERSION,
        words,
        tables,
        needs_row: <F::Rows as Load<M<F, P>>>::REQUIRED,
        otherwise: None,
        open: open::<M<F, P>>,
        want: |opened, tables| <F::Rows as Load<M<F, P>>>::want(&**heard::<Heard<M<F, P>>>(opened), tables),
        react: Box::new(move |opened, tables, _| {
            let heard = heard::<Heard<M<F, P>>>(opened);
            let mut rows = <F::Rows as Load<M<F, P>>>::take(&**heard, tables)?;
            let mut saying = Saying::default();
            let done = function.call(F::Hears::of(heard), &mut rows).answer(&mut saying);
            if let Err(refused) = done {
                return Ok(Reacted { said: Vec::new(), answer: None, refused: Some(refused) });
            }
            let answer = AnswersWith::<<M<F, P> as Command>::Row>::answer(&rows).map(|row| {
                let json = serde_json::to_string(row).unwrap_or_else(|error| panic!("the answer is no JSON: {error}"));
                (Box::new(row.clone()) as Answer, json)
            });
            let said = saying.finish()?;
            rows.put(&**heard, tables);
            Ok(Reacted { said, answer, refused: None })
        }),
    }
}

/// What is done when a step's message has died.
pub(crate) struct Otherwise {
    pub words: Vec<Word>,
    pub tables: Vec<&'static str>,
    open: fn(&str, Reason, &str, Uuid, Timestamp) -> Option<Opened>,
    want: Want,
    react: React,
}

impl Otherwise {
    pub(crate) fn new<P, M, F>(function: F, tables: Vec<&'static str>) -> Self
    where
        M: Message,
        F: Function<P, Hears = Dead<M>> + Send + Sync + 'static,
        F::Rows: Load<Dead<M>>,
        F::Says: Words,
    {
        let mut words = Vec::new();
        <F::Says as Words>::vocabulary(&mut words);
        Self {
            words,
            tables,
            open: |key, reason, detail, id, now| {
                let key = key.parse().ok()?;
                Some(Box::new(Dead::<M>::new(key, reason, detail, id, now)))
            },
            want: |opened, tables| F::Rows::want(heard::<Dead<M>>(opened), tables),
            react: Box::new(move |opened, tables, _| {
                let dead = heard::<Dead<M>>(opened);
                let mut rows = F::Rows::take(dead, tables)?;
                let mut saying = Saying::default();
                Words::say(function.call(dead, &mut rows), &mut saying);
                let said = saying.finish()?;
                rows.put(dead, tables);
                Ok(Reacted { said, answer: None, refused: None })
            }),
        }
    }

    /// The death as its function is told it; nothing if the key can't be read.
    pub(crate) fn open(&self, key: &str, reason: Reason, detail: &str, id: Uuid, now: Timestamp) -> Option<Opened> {
        (self.open)(key, reason, detail, id, now)
    }
    pub(crate) fn want(&self, opened: &Opened, tables: &mut Tables) {
        (self.want)(opened, tables);
    }
    pub(crate) fn react(&self, opened: &Opened, tables: &mut Tables) -> Result<Reacted, Unready> {
        (self.react)(opened, tables, CheckLaw(false))
    }
}
