//! The scribe: it writes lines on pages, strikes them, tears pages out, rings bells, and has pages printed.

use std::time::Duration;

use choreography::{Choreography, Command, Dead, EffectError, Incoming, Message, Rejected, Row, Scheduled};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::ms;
use press::Press;

pub(crate) mod press;

macro_rules! messages {
    ($($name:literal $role:ident $message:ident { $($field:ident: $type:ty),* })*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
        #[message(name = $name, key = page, role = $role)]
        pub(crate) struct $message { pub(crate) page: u32, $(pub(crate) $field: $type),* }
    )*};
}
messages! {
    "write" step Write { line: u32, how: How }
    "written" event Written { line: u32, text: String }
    "not-written" event NotWritten { reason: String }
    "strike" step Strike { line: u32 }
    "struck" event Struck { line: u32 }
    "not-struck" event NotStruck { reason: String }
    "tear-out" compensation TearOut {}
    "torn-out" event TornOut {}
    "print" step Print { line: u32 }
    "printed" event Printed { line: u32 }
    "not-printed" event NotPrinted { reason: String }
    "bind" step Bind { line: u32, how: How }
    "bound" event Bound { line: u32 }
    "ring" event Ring { line: u32 }
    "page-opened" step PageOpened { text: String }
    "page-closed" event PageClosed {}
}

macro_rules! commands {
    ($($name:literal $command:ident { $($field:ident: $type:ty),* })*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Command)]
        #[command(name = $name, key = page, row = Page)]
        pub(crate) struct $command { pub(crate) page: u32, $(pub(crate) $field: $type),* }
    )*};
}
commands! {
    "open-page" OpenPage { title: String }
    "close-page" ClosePage {}
    "note" Note { text: String }
    "remind" Remind { line: u32, after_ms: Option<u64> }
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) enum How {
    Plainly,
    /// Panics, after it has changed the page.
    Panicking,
    /// Writes the line each time the reaction is called.
    NotIdempotently,
    /// Publishes more than a message may carry.
    AtLength,
}

/// How bindings are tried.
pub(crate) const BIND_WITHIN: Duration = ms(20_000);
pub(crate) const BIND_TRY_TIME_MAX: Duration = ms(6_000);
pub(crate) const BIND_RUNNING_MAX: usize = 3;

/// A page with the log of what was done on it, in order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "page", key = u32)]
pub(crate) struct Page {
    pub(crate) log: Vec<String>,
    /// One id for each message whose death is noted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) deaths: Vec<Uuid>,
}

impl Page {
    /// Adds an entry. Whether it is new.
    fn enter(&mut self, entry: String) -> bool {
        let new = !self.log.contains(&entry);
        if new {
            self.log.push(entry);
        }
        new
    }

    /// Adds an entry about the death of a message. Whether that message's death is new.
    fn enter_death<M: Message>(&mut self, dead: &Dead<M>, entry: String) -> bool {
        let id = dead.new_id("death");
        let new = !self.deaths.contains(&id);
        if new {
            self.deaths.push(id);
            self.enter(entry);
        }
        new
    }
}

fn too_long() -> String {
    "x".repeat(70_000)
}

fn write(incoming: &Write, page: &mut Option<Page>) -> Option<Written> {
    let page = page.get_or_insert_default();
    let entry = format!("write {}", incoming.line);
    let new = match incoming.how {
        How::NotIdempotently => {
            page.log.push(entry);
            true
        }
        _ => page.enter(entry),
    };
    assert!(incoming.how != How::Panicking, "the ink ran out");
    let text = if incoming.how == How::AtLength { too_long() } else { String::new() };
    new.then_some(Written { page: incoming.page, line: incoming.line, text })
}

/// The page on which nothing can be noted: the fallback of what is not written there fails.
pub(crate) const BLACK_PAGE: u32 = 13;

/// The page on which it is noted again each time that something is not written there.
pub(crate) const NOISY_PAGE: u32 = 1_013;

fn not_written(dead: &Dead<Write>, page: &mut Option<Page>) -> Option<NotWritten> {
    assert!(*dead.key() != BLACK_PAGE, "the page is black");
    let (page, reason) = (page.get_or_insert_default(), dead.reason().to_string());
    let new = page.enter_death(dead, format!("not written: {reason}")) || *dead.key() == NOISY_PAGE;
    new.then_some(NotWritten { page: *dead.key(), reason })
}

fn strike(incoming: &Strike, page: &mut Page) -> Option<Struck> {
    page.enter(format!("strike {}", incoming.line)).then_some(Struck { page: incoming.page, line: incoming.line })
}

fn not_struck(dead: &Dead<Strike>, page: &mut Option<Page>) -> Option<NotStruck> {
    let reason = dead.reason().to_string();
    let new = page.get_or_insert_default().enter_death(dead, format!("not struck: {reason}"));
    new.then_some(NotStruck { page: *dead.key(), reason })
}

fn tear_out(incoming: &TearOut, page: &mut Option<Page>) -> Option<TornOut> {
    page.get_or_insert_default().enter("torn out".to_owned()).then_some(TornOut { page: incoming.page })
}

fn ring(incoming: &Ring, page: &mut Option<Page>) {
    page.get_or_insert_default().enter(format!("ring {}", incoming.line));
}

fn open_page(command: &OpenPage, page: &mut Option<Page>) -> Result<PageOpened, Rejected> {
    if page.is_some() {
        *page = None;
        return Err(Rejected::new("open-already", "This page is open."));
    }
    page.get_or_insert_default().enter(format!("open {}", command.title));
    assert!(command.title != "panic", "the ink ran out");
    let text = match command.title.as_str() {
        "at length" => too_long(),
        "long" => "x".repeat(8_000),
        _ => String::new(),
    };
    Ok(PageOpened { page: command.page, text })
}

fn close_page(command: &ClosePage, page: &mut Option<Page>) -> PageClosed {
    *page = None;
    PageClosed { page: command.page }
}

fn note(command: &Note, page: &mut Page) {
    page.log.push(format!("note {}", command.text));
}

fn remind(command: &Remind, page: &mut Option<Page>) -> Scheduled<Ring> {
    page.get_or_insert_default();
    let ring = Ring { page: command.page, line: command.line };
    match command.after_ms {
        Some(after_ms) => ring.after(ms(after_ms)),
        None => ring.cancel(),
    }
}

async fn print(incoming: &Incoming<Print>, press: &Press) -> Result<Printed, EffectError> {
    press.print(incoming.page, incoming.line).await?;
    Ok(Printed { page: incoming.page, line: incoming.line })
}

fn not_printed(dead: &Dead<Print>, page: &mut Option<Page>) -> Option<NotPrinted> {
    let reason = dead.reason().to_string();
    let new = page.get_or_insert_default().enter_death(dead, format!("not printed: {reason}"));
    new.then_some(NotPrinted { page: *dead.key(), reason })
}

fn note_binding(incoming: &Bind, page: &mut Option<Page>) {
    page.get_or_insert_default().enter(format!("bind {}", incoming.line));
    assert!(incoming.how != How::Panicking, "the thread is torn");
}

async fn bind(incoming: &Bind, press: &Press) -> Result<Bound, EffectError> {
    press.bind(incoming.page, incoming.line).await?;
    Ok(Bound { page: incoming.page, line: incoming.line })
}

/// A page that is torn out is not bound.
fn torn_out_first(_: &Bind, page: Option<&Page>) -> Option<String> {
    page?.log.contains(&"torn out".to_owned()).then(|| "the page is torn out".to_owned())
}

fn not_bound(dead: &Dead<Bind>, page: &mut Option<Page>) {
    page.get_or_insert_default().enter(format!("not bound: {}", dead.reason()));
}

/// The filter subjects of the scribe's consumers.
pub(crate) const SCRIBE_RECEIVES: [&str; 6] =
    ["author.write.*", "author.strike.*", "author.tear-out.*", "author.print.*", "author.bind.*", "scribe.ring.*"];

pub(crate) fn scribe(press: Press) -> Choreography {
    scribe_after(Choreography::new("scribe").command(open_page), press)
}

pub(crate) fn scribe_with_intake(press: Press) -> Choreography {
    scribe_after(Choreography::new("scribe").intake(open_page), press)
}

fn scribe_after(begin: Choreography, press: Press) -> Choreography {
    begin
        .command(close_page)
        .command(note)
        .command(remind)
        .on(write)
        .fallback(not_written)
        .on(strike)
        .fallback(not_struck)
        .compensate(tear_out)
        .on(ring)
        .effect(print, press.clone())
        .fallback(not_printed)
        .on(note_binding)
        .effect(bind, press)
        .unless(torn_out_first)
        .within(BIND_WITHIN)
        .try_time_max(BIND_TRY_TIME_MAX)
        .running_max(BIND_RUNNING_MAX)
        .fallback(not_bound)
}
