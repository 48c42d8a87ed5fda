//! A target: how its inputs are made, and what must hold for them.

use std::fmt::Debug;

use crate::draw::Draw;
use crate::panics::panic_of;

type Input<I> = Box<dyn Fn(&mut Draw<'_>) -> I>;
type Check<I> = Box<dyn FnMut(&I)>;

/// What is fuzzed at a time.
pub(crate) struct Target {
    /// Its name, as that of a claim.
    pub(crate) name: &'static str,
    /// Prepares a run.
    pub(crate) start: fn() -> Box<dyn Started>,
}

/// A target that runs.
pub(crate) trait Started {
    /// Shows the input that bytes decide.
    fn show(&self, bytes: &[u8]) -> String;

    /// Checks the input that bytes decide. Returns why it fails, if it does.
    fn fails(&mut self, bytes: &[u8]) -> Option<String>;

    /// Checks the input that bytes decide.
    ///
    /// # Panics
    /// When it fails.
    fn check(&mut self, bytes: &[u8]);
}

/// A target with inputs of one type.
pub(crate) struct Case<I> {
    input: Input<I>,
    start: fn() -> Check<I>,
    /// None until the first input, and after one that failed: what it leaves behind is not used again.
    check: Option<Check<I>>,
}

impl<I: Debug + 'static> Case<I> {
    /// Returns a target of these inputs. `start` prepares what checks them one after another.
    pub(crate) fn of(input: impl Fn(&mut Draw<'_>) -> I + 'static, start: fn() -> Check<I>) -> Box<dyn Started> {
        Box::new(Self { input: Box::new(input), start, check: None })
    }
}

impl<I: Debug> Started for Case<I> {
    fn show(&self, bytes: &[u8]) -> String {
        format!("{:#?}", (self.input)(&mut Draw::from_bytes(bytes)))
    }

    fn fails(&mut self, bytes: &[u8]) -> Option<String> {
        let panic = panic_of(|| self.check(bytes))?;
        self.check = None;
        Some(panic)
    }

    fn check(&mut self, bytes: &[u8]) {
        let input = (self.input)(&mut Draw::from_bytes(bytes));
        self.check.get_or_insert_with(self.start)(&input);
    }
}
