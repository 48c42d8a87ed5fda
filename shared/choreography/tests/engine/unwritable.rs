//! What can't be written as JSON is the fault of the message or command that makes it, and of nothing else.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use choreography::store::{Comparison, Condition, Listing, Store as _};
use choreography::{Choreography, Command, Dead, EffectError, ExecuteError, Message, Row, Service, nothing};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize, Serializer};

use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

/// A text that is written as JSON unless it says that it can't be.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
struct Ink(String);

impl Serialize for Ink {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.0 != "panics", "the ink ran out");
        match self.0.as_str() {
            "invisible" => Err(serde::ser::Error::custom("the ink is invisible")),
            text => serializer.serialize_str(text),
        }
    }
}

/// A key whose messages can't all be read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String")]
struct Tool(String);

impl TryFrom<String> for Tool {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        assert!(text != "broken", "the tool is broken");
        if text.is_empty() { Err("no tool".to_owned()) } else { Ok(Self(text)) }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "sheet", key = u32)]
struct Sheet {
    inks: Vec<Ink>,
}

/// Draws: onto the sheet, and into the message that follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "draw", key = sheet, role = step)]
struct Draw {
    sheet: u32,
    onto: String,
    into: String,
    tool: Tool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "drawn", key = sheet, role = event)]
struct Drawn {
    sheet: u32,
    ink: Ink,
}

/// Draws on a sheet that must be there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "trace", key = sheet, role = step)]
struct Trace {
    sheet: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "hang", key = sheet, role = step)]
struct Hang {
    sheet: u32,
    onto: String,
    into: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
#[message(name = "hung", key = sheet, role = event)]
struct Hung {
    sheet: u32,
    onto: String,
    ink: Ink,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
#[command(name = "draw-now", key = sheet, row = Cover)]
struct DrawNow {
    sheet: u32,
    onto: String,
    into: String,
}

/// The row that a caller gets.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "cover", key = u32)]
struct Cover {
    opened: u32,
}

fn ink(sheet: &mut Option<Sheet>, text: &str) {
    sheet.get_or_insert_with(|| Sheet { inks: Vec::new() }).inks.push(Ink(text.to_owned()));
}

fn draw(message: &Draw, sheet: &mut Option<Sheet>) -> Drawn {
    ink(sheet, &message.onto);
    Drawn { sheet: message.sheet, ink: Ink(message.into.clone()) }
}

fn not_drawn(_: &Dead<Draw>, sheet: &mut Option<Sheet>) {
    ink(sheet, "not drawn");
}

fn draw_now(command: &DrawNow, cover: &mut Option<Cover>, sheet: &mut Option<Sheet>) -> Drawn {
    cover.get_or_insert_default().opened += 1;
    ink(sheet, &command.onto);
    Drawn { sheet: command.sheet, ink: Ink(command.into.clone()) }
}

fn trace(_: &Trace, sheet: &mut Sheet) {
    sheet.inks.push(Ink("traced".to_owned()));
}

fn not_traced(dead: &Dead<Trace>, sheet: &mut Option<Sheet>) {
    ink(sheet, if *dead.key() == 7 { "invisible" } else { "not traced" });
}

async fn hang(message: &Hang, runs: &Arc<AtomicU32>) -> Result<Hung, EffectError> {
    runs.fetch_add(1, Ordering::Relaxed);
    Ok(Hung { sheet: message.sheet, onto: message.onto.clone(), ink: Ink(message.into.clone()) })
}

fn note_hung(message: &Hung, sheet: &mut Option<Sheet>) {
    ink(sheet, &message.onto);
}

struct Studio {
    stage: Stage,
    runs: Arc<AtomicU32>,
}

impl Studio {
    fn new() -> Self {
        let studio = Self { stage: Stage::new(), runs: Arc::default() };
        studio.stage.bus.add_consumer("studio-0", &["author.draw.*", "author.trace.*", "author.hang.*"]);
        studio
    }

    async fn start(&self) -> Service {
        let choreography = Choreography::new("studio")
            .command(draw_now)
            .on(draw)
            .fallback(not_drawn)
            .on(trace)
            .fallback(not_traced)
            .effect(hang, self.runs.clone())
            .then(note_hung)
            .fallback(nothing::<Hang>);
        let settings = choreography::Settings { check_idempotence: false, ..self.stage.settings() };
        self.stage.start_choreography(choreography, Arc::new(self.stage.store.clone()), settings).await
    }

    fn draw(&self, sheet: u32, onto: &str, into: &str) {
        self.draw_with(sheet, onto, into, "pen");
    }

    fn draw_with(&self, sheet: u32, onto: &str, into: &str, tool: &str) {
        let (onto, into, tool) = (onto.to_owned(), into.to_owned(), Tool(tool.to_owned()));
        self.stage.publish(Draw { sheet, onto, into, tool });
    }

    /// Returns what is on a sheet.
    async fn sheet(&self, sheet: u32) -> Vec<String> {
        let conditions = vec![Condition { column: "key", comparison: Comparison::Is, value: sheet.to_string() }];
        let listing =
            Listing { table: "sheet", conditions, sorted_by: "key", after: None, descending: false, limit: 1 };
        let rows = self.stage.store.list(&listing).await.unwrap();
        let inks = rows.iter().flat_map(|row| serde_json::from_str::<Sheet>(&row.state).unwrap().inks);
        inks.map(|ink| ink.0).collect()
    }

    async fn has(&self, sheet: u32, inks: &[&str]) {
        until(&format!("{inks:?} on sheet {sheet}"), || async { self.sheet(sheet).await == inks }).await;
    }

    /// Waits until as many messages have died, and returns the subject and the detail of each.
    async fn dead(&self, count: usize) -> Vec<(String, String)> {
        until("they die", || async { self.stage.dead_letters().len() >= count }).await;
        let dead_letters = self.stage.dead_letters().into_iter();
        let died = dead_letters.map(|dead| (dead.subject.to_string(), dead.header("dead-detail").unwrap().to_owned()));
        let died: Vec<_> = died.collect();
        assert_eq!(died.len(), count, "{died:?}");
        died
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_only_the_messages_die_whose_rows_or_messages_are_no_json() {
    let studio = Studio::new();
    for sheet in 1..=60 {
        match sheet {
            11 => studio.draw(sheet, "invisible", "black"),
            22 => studio.draw(sheet, "panics", "black"),
            33 => studio.draw(sheet, "black", "invisible"),
            44 => studio.draw(sheet, "black", "panics"),
            _ => studio.draw(sheet, "black", "black"),
        }
    }
    let service = studio.start().await;
    studio.has(60, &["black"]).await;
    let mut died = studio.dead(4).await;
    died.sort();
    let details = [
        ("11", r#"row "11" of sheet can't be written as JSON: the ink is invisible"#),
        ("22", r#"row "22" of sheet can't be written as JSON: panicked: the ink ran out"#),
        ("33", "drawn can't be written as JSON: the ink is invisible"),
        ("44", "panicked: the ink ran out"),
    ];
    assert_eq!(died, details.map(|(sheet, detail)| (format!("dead.studio.draw.{sheet}"), detail.to_owned())));
    for sheet in 1..=60 {
        studio.has(sheet, if sheet % 11 == 0 && sheet < 55 { &["not drawn"] } else { &["black"] }).await;
    }
    healthy(&service).await;
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_whose_reading_panics_dies_alone() {
    let studio = Studio::new();
    studio.draw(1, "black", "black");
    studio.draw_with(2, "black", "black", "broken");
    studio.draw(3, "black", "black");
    let service = studio.start().await;
    studio.has(3, &["black"]).await;
    assert_eq!(studio.dead(1).await[0].1, "panicked: the tool is broken");
    studio.has(2, &["not drawn"]).await;
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_fails_and_changes_nothing_if_what_it_makes_is_no_json() {
    let studio = Studio::new();
    let service = studio.start().await;
    healthy(&service).await;
    let draw = |sheet, onto: &str, into: &str| {
        service.execute(DrawNow { sheet, onto: onto.to_owned(), into: into.to_owned() })
    };
    let (well, row, panicking, message) = tokio::join!(
        draw(1, "black", "black"),
        draw(2, "invisible", "black"),
        draw(3, "panics", "black"),
        draw(4, "black", "invisible")
    );
    assert_eq!(well.unwrap(), Cover { opened: 1 });
    for failed in [row, panicking, message] {
        assert!(matches!(&failed, Err(ExecuteError::Failed(detail)) if detail.contains("the ink")), "{failed:?}");
    }
    for (sheet, inks) in [(1, 1), (2, 0), (3, 0), (4, 0)] {
        assert_eq!((sheet, studio.sheet(sheet).await.len()), (sheet, inks));
    }
    healthy(&service).await;
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn of_the_fallbacks_of_messages_that_waited_only_the_one_fails_that_writes_no_json() {
    let studio = Studio::new();
    let service = studio.start().await;
    let expiry = studio.stage.clock.now() + SignedDuration::from_secs(60);
    for sheet in 1..=9 {
        studio.stage.bus.publish(&studio.stage.envelope_until(&Trace { sheet }, expiry)).unwrap();
    }
    pass(ms(70_000)).await;
    studio.dead(9).await;
    for sheet in 1..=9 {
        studio.has(sheet, if sheet == 7 { &[] } else { &["not traced"] }).await;
    }
    let unrepaired = service.health().compensations.unwrap_err();
    assert!(unrepaired.starts_with("a compensation or a fallback has failed"), "{unrepaired}");
    assert!(unrepaired.contains("author.trace.7"), "{unrepaired}");
    healthy(&service).await;
    service.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_has_run_is_not_run_again_if_what_follows_is_no_json() {
    let studio = Studio::new();
    for (sheet, onto, into) in [
        (1, "black", "black"),
        (2, "black", "invisible"),
        (3, "black", "panics"),
        (4, "invisible", "black"),
        (5, "panics", "black"),
    ] {
        studio.stage.publish(Hang { sheet, onto: onto.to_owned(), into: into.to_owned() });
    }
    let service = studio.start().await;
    let mut died = studio.dead(4).await;
    died.sort();
    let subjects: Vec<_> = died.iter().map(|(subject, _)| subject.as_str()).collect();
    assert_eq!(subjects, [2, 3, 4, 5].map(|sheet| format!("dead.studio.hang.{sheet}")));
    assert!(died.iter().all(|(_, detail)| detail.contains("the ink")), "{died:?}");
    studio.has(1, &["black"]).await;
    pass(ms(60_000)).await;
    assert_eq!(studio.runs.load(Ordering::Relaxed), 5);
    assert_eq!(service.health().compensations, Ok(()));
    healthy(&service).await;
    service.stop().await;
}
