//! Runs the stories of many seeds, some at the same time, each on one thread.

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use choreography::testing::{Broken, Outcome, Story};
use testkit::workspace;

use crate::deed::Deed;
use crate::options::Options;
use crate::shop::Shop;

/// How often progress is shown.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What has been run so far.
struct Progress {
    began: Instant,
    shown: Mutex<Instant>,
    stories: AtomicU64,
    orders: AtomicUsize,
    messages: AtomicUsize,
}

/// Runs the stories of all seeds, or that of a file. Returns a report; of the first story in which something did not hold,
/// what it was, the shortest part of it in which something does not hold, and the command that repeats that.
pub(crate) fn run(options: &Options) -> Result<String, String> {
    match &options.story {
        Some(file) => run_file(options, file),
        None => run_seeds(options),
    }
}

fn run_file(options: &Options, file: &Path) -> Result<String, String> {
    // Tests run in the directory of their package.
    let file = &workspace().join(file);
    let text = fs::read_to_string(file).map_err(|error| format!("reading {}: {error}", file.display()))?;
    let story = Story::from_lines::<Shop>(text.leak()).map_err(|error| format!("{}: {error}", file.display()))?;
    let (actions, steps) = (story.actions(), story.steps.len());
    let Outcome { published, dead_letters, lost, lasted } = run_story(options, story)?;
    Ok(format!(
        "a story of {steps} steps, {actions} of them actions: {published} messages, {dead_letters} dead letters, {lost} \
         lost, {} s",
        lasted.as_secs()
    ))
}

fn run_seeds(options: &Options) -> Result<String, String> {
    let (next, stops) = (AtomicU64::new(*options.seeds().start()), AtomicBool::new(false));
    let now = Instant::now();
    let (stories, orders, messages) = Default::default();
    let progress = Progress { began: now, shown: Mutex::new(now), stories, orders, messages };
    let failure = Mutex::new(None);
    let work = || {
        while !stops.load(Ordering::SeqCst) {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed > *options.seeds().end() {
                return;
            }
            match run_story(options, Story::draw::<Shop>(seed, options.size())) {
                Ok(outcome) => progress.add(options, &outcome),
                Err(report) => {
                    stops.store(true, Ordering::SeqCst);
                    failure.lock().expect("no thread has panicked").get_or_insert(report);
                }
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        (0..options.threads.unwrap_or(processors)).for_each(|_| drop(scope.spawn(work)));
    });
    match failure.into_inner().expect("no thread has panicked") {
        None => Ok(progress.text()),
        Some(report) => Err(report),
    }
}

fn run_story(options: &Options, story: Story<Deed>) -> Result<Outcome, String> {
    story.run::<Shop>().map_err(|broken| report(options, story, broken))
}

/// Shortens a story in which something does not hold, writes it to a file, and says how it is repeated.
fn report(options: &Options, story: Story<Deed>, broken: Broken) -> String {
    let seed = story.seed;
    println!("seed {seed}: {broken}\nshortening its story of {} steps", story.steps.len());
    let (story, shortest) = story.shrink::<Shop>(broken.clone(), options.shortening_runs);
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sim-seed-{seed}.story"));
    let command = match fs::write(&file, story.to_lines()) {
        Ok(()) => format!("make sim ARGS=\"--story '{}'\"", file.display()),
        Err(error) => format!("writing it to {} failed: {error}", file.display()),
    };
    format!("seed {seed}: {broken}\n\nthe shortest story: {shortest}\n{story}\n{command}")
}

impl Progress {
    fn add(&self, options: &Options, outcome: &Outcome) {
        self.stories.fetch_add(1, Ordering::SeqCst);
        self.orders.fetch_add(options.orders, Ordering::SeqCst);
        self.messages.fetch_add(outcome.published, Ordering::SeqCst);
        let mut shown = self.shown.lock().expect("no thread has panicked");
        if shown.elapsed() >= PROGRESS_EVERY {
            *shown = Instant::now();
            println!("{}", self.text());
        }
    }

    fn text(&self) -> String {
        let (stories, orders) = (self.stories.load(Ordering::SeqCst), self.orders.load(Ordering::SeqCst));
        let (messages, seconds) = (self.messages.load(Ordering::SeqCst), self.began.elapsed().as_secs_f64());
        let rate = |count: usize| count as f64 / seconds;
        format!(
            "{stories} seeds, {orders} orders, {messages} messages in {seconds:.1} s: {:.1} seeds/s, {:.0} orders/s",
            stories as f64 / seconds,
            rate(orders)
        )
    }
}
