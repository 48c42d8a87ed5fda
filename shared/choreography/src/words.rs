//! What a reaction may say. Its return type is the complete list: the map of the dance is drawn from it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::message::{Due, Later, Message};
use crate::tables::Unready;

/// One thing that a reaction may say, as the map knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Word {
    /// The message's name.
    pub name: &'static str,
    /// Whether it is said later, to itself or others.
    pub later: bool,
    /// Whether it undoes what another one did.
    pub undo: bool,
}

/// Something said by a reaction, before it has an envelope.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub name: &'static str,
    pub version: u32,
    pub key: String,
    pub payload: String,
    pub due: Option<Due>,
}

/// A message's payload is at most so large, in bytes: what is longer belongs somewhere else, and is referred to.
pub const PAYLOAD_BYTES_MAX: usize = 64 * 1_024;

/// A key is at most so long, in bytes: it stands in the subject and in headers, and a server takes no long subjects.
const KEY_BYTES_MAX: usize = 256;

/// Whether a key can stand in a subject. What the stream does not take would hold up everything that is said after it.
pub(crate) fn sayable(key: &str) -> Result<(), String> {
    let forbidden = |letter: char| matches!(letter, '.' | '*' | '>') || letter.is_whitespace() || letter.is_control();
    if key.is_empty() || key.len() > KEY_BYTES_MAX || key.contains(forbidden) {
        let start: String = key.chars().take(40).collect();
        return Err(format!("{start:?} can't be a key: 1 to {KEY_BYTES_MAX} bytes, no dots, wildcards or blanks"));
    }
    Ok(())
}

/// Collects what a reaction says.
#[derive(Debug, Default)]
pub struct Saying {
    pub(crate) said: Vec<Said>,
    unsayable: Option<String>,
}

impl Saying {
    fn say<M: Message>(&mut self, message: &M, due: Option<Due>) {
        let payload = serde_json::to_string(message)
            .unwrap_or_else(|error| panic!("{} can't be written as JSON: {error}", M::NAME));
        if payload.len() > PAYLOAD_BYTES_MAX {
            let (name, bytes) = (M::NAME, payload.len());
            self.unsayable = Some(format!("{name} would be {bytes} bytes; a message has at most {PAYLOAD_BYTES_MAX}"));
        }
        let key = message.key().to_string();
        if let Err(problem) = sayable(&key) {
            self.unsayable = Some(format!("{} can't be said: {problem}", M::NAME));
        }
        self.said.push(Said { name: M::NAME, version: M::VERSION, key, payload, due });
    }

    /// What was said, if a message can carry it.
    pub(crate) fn finish(self) -> Result<Vec<Said>, Unready> {
        match self.unsayable {
            Some(detail) => Err(Unready::TooLarge(detail)),
            None => Ok(self.said),
        }
    }
}

/// What can be said: nothing, a message, one for [`Later`], and options, lists and tuples of these.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be said",
    label = "a reaction returns `()`, a message, `Later<M>`, or `Option`, `Vec` and tuples of these",
    note = "only at the top may it be a `Result`: `Ok` goes on, `Err` leaves the rows as they were"
)]
pub trait Words {
    /// Says it.
    #[doc(hidden)]
    fn say(self, saying: &mut Saying);
    /// Everything that this type could say.
    #[doc(hidden)]
    fn vocabulary(words: &mut Vec<Word>);
}

impl<M: Message> Words for M {
    fn say(self, saying: &mut Saying) {
        saying.say(&self, None);
    }
    fn vocabulary(words: &mut Vec<Word>) {
        words.push(Word { name: M::NAME, later: false, undo: M::UNDO });
    }
}

impl<M: Message> Words for Later<M> {
    fn say(self, saying: &mut Saying) {
        saying.say(&self.message, Some(self.due));
    }
    fn vocabulary(words: &mut Vec<Word>) {
        words.push(Word { name: M::NAME, later: true, undo: M::UNDO });
    }
}

impl<W: Words> Words for Option<W> {
    fn say(self, saying: &mut Saying) {
        if let Some(words) = self {
            words.say(saying);
        }
    }
    fn vocabulary(words: &mut Vec<Word>) {
        W::vocabulary(words);
    }
}

impl<W: Words> Words for Vec<W> {
    fn say(self, saying: &mut Saying) {
        for words in self {
            words.say(saying);
        }
    }
    fn vocabulary(words: &mut Vec<Word>) {
        W::vocabulary(words);
    }
}

macro_rules! words_of_tuples {
    ($($name:ident)*) => {
        #[allow(non_snake_case, unused_variables)]
        impl<$($name: Words),*> Words for ($($name,)*) {
            fn say(self, saying: &mut Saying) {
                let ($($name,)*) = self;
                $($name.say(saying);)*
            }
            fn vocabulary(words: &mut Vec<Word>) {
                $($name::vocabulary(words);)*
            }
        }
    };
}
words_of_tuples!();
words_of_tuples!(A B);
words_of_tuples!(A B C);
words_of_tuples!(A B C D);

/// What a reaction returns: [`Words`], or a `Result` of two kinds of them.
///
/// `Err` is a refusal: it says its words and leaves the rows as they were.
#[diagnostic::on_unimplemented(
    message = "a reaction can't return `{Self}`",
    label = "it returns `()`, a message, `Later<M>`, `Option`, `Vec` and tuples of these, or a `Result` of two of them",
    note = "whatever can fail and be tried again is an `.effect`; a reaction decides"
)]
pub trait Says {
    /// Says it; whether the changed rows are kept.
    #[doc(hidden)]
    fn say(self, saying: &mut Saying) -> bool;
    /// Everything that this type could say.
    #[doc(hidden)]
    fn vocabulary(words: &mut Vec<Word>);
}

impl<W: Words> Says for W {
    fn say(self, saying: &mut Saying) -> bool {
        Words::say(self, saying);
        true
    }
    fn vocabulary(words: &mut Vec<Word>) {
        W::vocabulary(words);
    }
}

impl<G: Words, R: Words> Says for Result<G, R> {
    fn say(self, saying: &mut Saying) -> bool {
        match self {
            Ok(go) => {
                go.say(saying);
                true
            }
            Err(refusal) => {
                refusal.say(saying);
                false
            }
        }
    }
    fn vocabulary(words: &mut Vec<Word>) {
        G::vocabulary(words);
        R::vocabulary(words);
    }
}

/// A command that can't be done as things stand. Nothing changes; the caller learns why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What kind of refusal this is, for programs, in kebab case: `payment-expired`.
    pub code: String,
    /// What is in the way and what can be done about it, for people.
    pub detail: String,
}

impl Refused {
    /// A refusal.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into() }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Refused {}

/// What a command returns: [`Words`], or `Result<Words, Refused>`.
#[diagnostic::on_unimplemented(
    message = "a command can't return `{Self}`",
    label = "it returns what it says, or `Result<what it says, Refused>`"
)]
pub trait Answers {
    /// Says it, or refuses.
    #[doc(hidden)]
    fn answer(self, saying: &mut Saying) -> Result<(), Refused>;
    /// Everything that this type could say.
    #[doc(hidden)]
    fn vocabulary(words: &mut Vec<Word>);
}

impl<W: Words> Answers for W {
    fn answer(self, saying: &mut Saying) -> Result<(), Refused> {
        self.say(saying);
        Ok(())
    }
    fn vocabulary(words: &mut Vec<Word>) {
        W::vocabulary(words);
    }
}

impl<W: Words> Answers for Result<W, Refused> {
    fn answer(self, saying: &mut Saying) -> Result<(), Refused> {
        self.map(|words| words.say(saying))
    }
    fn vocabulary(words: &mut Vec<Word>) {
        W::vocabulary(words);
    }
}
