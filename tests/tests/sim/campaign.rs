//! Runs the stories of many seeds, some at the same time, each on one thread.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use choreography::testing::{Broken, Outcome, Story};

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

/// Runs the stories of all seeds. Returns a report; of the first story in which something did not hold, what it was, the
/// command that repeats it, and the shortest part of it in which the same happens.
pub(crate) fn run(options: &Options) -> Result<String, String> {
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
            match run_seed(options, seed) {
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

fn run_seed(options: &Options, seed: u64) -> Result<Outcome, String> {
    let whole = Story::draw::<Shop>(seed, options.size());
    let story = if options.keep.is_empty() { whole } else { whole.keep(&options.keep) };
    story.run::<Shop>().map_err(|broken| report(options, story, broken))
}

/// Shortens a story in which something does not hold, and says how it is repeated.
fn report(options: &Options, story: Story<Deed>, broken: Broken) -> String {
    let seed = story.seed;
    println!("seed {seed}: {broken}\nshortening its story of {} steps", story.steps.len());
    let (story, shortest) = story.shrink::<Shop>(broken.clone(), options.shortening_runs);
    let steps: Vec<usize> = story.steps.iter().map(|step| step.number).collect();
    format!("seed {seed}: {broken}\n\nthe shortest story: {shortest}\n{story}\n{}", options.command(seed, &steps))
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
