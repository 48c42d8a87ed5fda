//! What is claimed of the algorithm, and that the stories would notice each rule that is missing.

use std::env::var;

use crate::campaign::{PROFILES, campaign, shortest};
use crate::check::{Failure, run};
use crate::message::{Kind, ServiceName};
use crate::rules::Rules;
use crate::story::{Step, Trouble};

use Failure::{
    KeptForEver, LostSilently, NotRepaired, OutOfOrder, ProcessedTwice, ReportedThoughKept, ReportedWithoutLoss,
};

/// What the algorithm does not promise, by profile.
const LEFT_OVER: &[(&str, Failure)] = &[
    // The database and the stream forget the same messages at once: a service in the chain does them again.
    ("chain put back, losses", ProcessedTwice),
    ("chain and stream put back", ProcessedTwice),
    ("everything", ProcessedTwice),
    // What a forgotten process had sent arrives when the database that was put back has been compared with the stream.
    ("chain put back, delay", ProcessedTwice),
    // A database is put back to a copy that is older than what the stream keeps.
    ("put back, limits", ProcessedTwice),
    // The first messages of a kind are lost before anything of it was received, when no note of the publisher covered
    // the position at which the kind was taken up.
    ("late, losses", LostSilently),
    ("late, losses", ReportedThoughKept),
    ("late, losses", ReportedWithoutLoss),
    ("late, limits", ReportedThoughKept),
    ("late, limits", ReportedWithoutLoss),
    ("everything", LostSilently),
    ("everything", ReportedThoughKept),
    ("everything", ReportedWithoutLoss),
    // An operator went on, or two holes hid each other, when the stream was put back: the number stays missing.
    ("operator", ReportedThoughKept),
    ("operator", NotRepaired),
    ("stream put back, hole", ReportedThoughKept),
    ("stream put back, hole", NotRepaired),
    ("instances, losses", ReportedThoughKept),
    ("instances, losses", NotRepaired),
    ("subscriber put back, losses", ReportedThoughKept),
    ("chain put back, losses", ReportedThoughKept),
    ("everything", NotRepaired),
    // A database is put back twice under running processes, which see no lower number or epoch the second time.
    ("put back under running processes", ProcessedTwice),
];

fn number_of(variable: &str, default: u64) -> u64 {
    var(variable).map_or(default, |value| value.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

fn troubles_of(title: &str) -> &'static [Trouble] {
    PROFILES.iter().find(|(name, _)| *name == title).unwrap_or_else(|| panic!("there is no profile {title}")).1
}

/// More stories: `STORIES=100000`. One again: `BEGIN=<seed> STORIES=1 PROFILE=<name>`.
#[test]
fn nothing_is_processed_twice_lost_silently_or_reported_in_vain() {
    let (begin, stories) = (number_of("BEGIN", 0), number_of("STORIES", 200));
    let only = var("PROFILE").unwrap_or_default();
    for (title, troubles) in PROFILES.iter().filter(|(title, _)| only.is_empty() || *title == only) {
        let outcome = campaign(troubles, Rules::default(), begin..begin + stories);
        for (failure, (_, seed)) in outcome.failures {
            let story = || shortest(troubles, Rules::default(), seed, failure);
            let is_left_over = only.is_empty() && LEFT_OVER.contains(&(*title, failure));
            assert!(is_left_over, "{failure:?}, BEGIN={seed} STORIES=1 PROFILE='{title}': {:#?}", story());
        }
        assert!(outcome.sizes.received <= 40 && outcome.sizes.gaps <= 12, "{title}: {:?}", outcome.sizes);
    }
}

/// Each rule that is left out, and what goes wrong then.
const MISSED: &[(&str, &str, Failure)] = &[
    ("guard_by_epoch", "stale leader", ReportedThoughKept),
    ("guard_by_position", "put back under running processes", ReportedThoughKept),
    ("skip_known_numbers", "network", ProcessedTwice),
    ("compare_stamps", "tail", ReportedThoughKept),
    ("look_at_history", "tail", ReportedThoughKept),
    ("halt", "limits", ReportedWithoutLoss),
    ("go_back_when_less_is_lacking", "stream put back, hole", ReportedThoughKept),
    ("outbox_for_each_start", "publisher put back", LostSilently),
    ("keep_published_rows", "tail", NotRepaired),
    ("keep_rows_until_read", "chain put back", ProcessedTwice),
    ("repair", "tail", ReportedThoughKept),
    ("look_up_every_kept_row+look_up_all_when_stream_lacks", "hole", NotRepaired),
    ("adopt_unknown_messages", "chain put back", ProcessedTwice),
    ("skip_known_ids", "chain put back", ProcessedTwice),
    ("placeholder_for_repeated_row", "scheduled", ProcessedTwice),
    ("placeholder_for_refused_row", "held and refused", ReportedWithoutLoss),
    ("placeholder_for_repeated_row+repair_before_reading", "chain put back", ProcessedTwice),
    ("expect_first_number", "tail", LostSilently),
    ("note_published_numbers", "tail", LostSilently),
    ("note_of_same_start", "hole", ReportedThoughKept),
    ("read_up_to_note", "no trouble", ReportedWithoutLoss),
    ("begin_after_note", "late, losses", LostSilently),
    ("end_when_database_is_older", "put back under running processes", LostSilently),
    ("connection_lives_once", "network", OutOfOrder),
];

/// Rules without which nothing goes wrong: another one is enough, or they save work.
const REDUNDANT: &[&str] = &[
    // Either is enough: to look every kept row up, or to do so when the stream lacks messages in its middle.
    "look_up_every_kept_row",
    "look_up_all_when_stream_lacks",
    // Saves the publisher to send everything again on each connection after the stream was put back.
    "compare_floor",
    // The placeholder for a repeated row repairs what is made before the repair.
    "repair_before_reading",
    // A gap is reported a little earlier without it.
    "wait_for_note",
    // Another way to find what a stream that was put back has again.
    "look_back_before_reporting",
    // Bounds `given` and `received`.
    "forget_old_series",
];

#[test]
fn every_rule_is_missed_or_known_to_be_redundant() {
    let is_named = |name: &&str| MISSED.iter().any(|(rules, _, _)| rules == name) || REDUNDANT.contains(name);
    let unnamed: Vec<_> = Rules::NAMES.iter().filter(|name| !is_named(name)).collect();
    assert!(unnamed.is_empty(), "{unnamed:?}");
}

#[test]
fn a_missing_rule_is_noticed_within_a_few_thousand_stories() {
    for (rules, title, failure) in MISSED {
        let troubles = troubles_of(title);
        let goes_wrong =
            |seed: u64| campaign(troubles, Rules::turned(rules), seed..seed + 1).failures.contains_key(failure);
        assert!((0..5000).any(goes_wrong), "without {rules} {failure:?} is not found in {title}");
    }
}

#[test]
fn rows_that_are_published_and_read_are_forgotten() {
    let steps = [Step::Command(0, Kind::CreatePayment, 0, false), Step::Pass(2)];
    let (failures, world) = run(&steps, Rules::default(), &[]);
    assert!(!failures.contains(&KeptForEver));
    assert_eq!(world.services[ServiceName::Order].database.outbox.len(), 0);
}

#[test]
fn a_leader_that_stood_still_commits_nothing_of_a_stream_that_is_gone() {
    let command = Step::Command(0, Kind::CreatePayment, 0, false);
    let steps = [
        [command; 3].as_slice(),
        &[Step::Pass(1), Step::Pause(ServiceName::Delivery, 0), Step::Pass(12)],
        &[Step::LoseTail(3), command, command, Step::Pass(1)],
        &[Step::Continue(ServiceName::Delivery, 0)],
    ]
    .concat();
    assert_eq!(run(&steps, Rules::default(), &[]).0, [].into());
    let unguarded = run(&steps, Rules::turned("guard_by_epoch"), &[]).0;
    assert_eq!(unguarded, [ReportedThoughKept, ReportedWithoutLoss].into());
}
