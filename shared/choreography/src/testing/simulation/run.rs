//! Runs a story: a pure function of the application and the story.

use std::fmt::{self, Display, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use super::checks::problem;
use super::event::Event;
use super::operator::Operator;
use super::story::{Step, Story};
use super::world::World;
use crate::declare::guarded::{panic_message, panic_text};
use crate::testing::harness::Harness;
use crate::testing::services::Services;

/// How long the application has to come to rest after the last trouble, in its own time.
const PATIENCE: Duration = Duration::from_secs(20 * 60);
/// The first pause between two looks whether it has, and the longest one: each is four times as long as the one before
/// until then, because a look is long work after a long story.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What came of a story in which everything held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// How many messages the stream of events has.
    pub published: usize,
    /// How many dead letters, and records of their repairs, there are.
    pub dead_letters: usize,
    /// How many messages were reported as lost for good, and accepted by the operator.
    pub lost: u64,
    /// How much time passed in the application.
    pub lasted: Duration,
}

/// What did not hold at the end of a story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// What did not hold, in a sentence.
    pub problem: String,
}

impl Display for Broken {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem)
    }
}

impl std::error::Error for Broken {}

impl<A: Clone + Send + 'static> Story<A> {
    /// Runs the story, and checks how it ended.
    ///
    /// # Errors
    /// What did not hold.
    pub fn run<W: World<Action = A>>(&self) -> Result<Outcome, Broken> {
        self.run_and_show::<W, _>(|_| ()).0
    }

    /// Runs the story, checks how it ended, and lets a function look at the application as it is then, whether everything
    /// held or not. Returns what the function returned, too: none if the application could not be started.
    ///
    /// # Panics
    /// If the function panics.
    pub fn run_and_show<W: World<Action = A>, T>(
        &self,
        show: impl FnOnce(&Harness) -> T,
    ) -> (Result<Outcome, Broken>, Option<T>) {
        let mut run = match unbroken(|| Ok(Run::<W>::begin(self))) {
            Ok(run) => run,
            Err(broken) => return (Err(broken), None),
        };
        let ended = unbroken(|| {
            self.steps.iter().for_each(|step| run.go(step));
            run.end()
        });
        let shown = show(&run.harness);
        (ended, Some(shown))
    }
}

/// Runs a part of a story; a panic of it is something that does not hold.
fn unbroken<T>(part: impl FnOnce() -> Result<T, String>) -> Result<T, Broken> {
    let ended = catch_unwind(AssertUnwindSafe(part));
    let ended = ended.unwrap_or_else(|panic| Err(format!("a panic: {}", panic_message(panic.as_ref()))));
    ended.map_err(|problem| Broken { problem })
}

/// A story that runs.
struct Run<W> {
    world: Arc<W>,
    harness: Harness,
    services: Services,
    operator: Operator,
    /// The actions that go on, with the numbers of their steps.
    acting: Vec<(usize, JoinHandle<()>)>,
    /// Which action panicked first, and how.
    failed: Option<String>,
}

impl<W: World> Run<W> {
    fn begin(story: &Story<W::Action>) -> Self {
        let world = Arc::new(W::default());
        let releases = (world.services(), world.earlier_services());
        let harness = Harness::start_releases(releases, &story.first_releases(), world.settings(), story.seed);
        let services = harness.services();
        Self { world, harness, services, operator: Operator::default(), acting: Vec::new(), failed: None }
    }

    fn go(&mut self, step: &Step<W::Action>) {
        self.harness.advance_to(step.at);
        match &step.event {
            Event::Action(action) => {
                let acting = self.world.clone().act(action.clone(), self.services.clone());
                self.acting.push((step.number, self.harness.spawn(acting)));
            }
            Event::Trouble(trouble) => self.harness.inject(trouble.clone()),
            Event::Crash(service) => self.harness.crash(service),
            Event::Start(service) => self.harness.start_instance(service),
            Event::Release(service, release) => self.harness.set_release(service, *release),
        }
    }

    /// Ends every trouble, and lets time pass until everything holds.
    fn end(&mut self) -> Result<Outcome, String> {
        self.harness.end_troubles();
        self.harness.update();
        let last = self.harness.since_start() + PATIENCE;
        let mut pause = PAUSE_MIN;
        loop {
            self.harness.advance(pause);
            self.operator.look(&mut self.harness, pause >= PAUSE_MAX);
            match self.problem() {
                None => return Ok(self.outcome()),
                Some(problem) if self.failed.is_some() || self.harness.since_start() >= last => return Err(problem),
                Some(_) => pause = (pause * 4).min(PAUSE_MAX),
            }
        }
    }

    fn problem(&mut self) -> Option<String> {
        for (step, acting) in self.acting.extract_if(.., |(_, acting)| acting.is_finished()) {
            if let Err(error) = self.harness.block_on(acting) {
                let panic =
                    error.try_into_panic().map_or_else(|error| error.to_string(), |panic| panic_text(panic.as_ref()));
                self.failed.get_or_insert(format!("the action of step {step} {panic}"));
            }
        }
        let acting = self.acting.len();
        let goes_on = || (acting > 0).then(|| format!("{acting} actions have not ended"));
        let failed = self.failed.clone().or_else(goes_on);
        failed
            .or_else(|| problem(&self.harness, &self.operator.losses))
            .or_else(|| self.world.check(&self.harness, &self.operator.losses).err())
    }

    fn outcome(&self) -> Outcome {
        let (published, dead_letters) = self.harness.count_messages();
        Outcome { published, dead_letters, lost: self.operator.losses.messages, lasted: self.harness.since_start() }
    }
}
