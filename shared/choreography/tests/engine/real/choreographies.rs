//! The choreographies of three services: the author dictates, the scribe writes, the archive files.

use choreography::{Choreography, Command, Message, Row};
use serde::{Deserialize, Serialize};

use crate::diary::press::Press;
use crate::diary::{How, Write, Written, scribe};

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "dictate", key = page, row = Draft)]
pub(super) struct Dictate {
    pub(super) page: u32,
    pub(super) line: u32,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "filed", key = page, role = event)]
pub(super) struct Filed {
    page: u32,
    line: u32,
}

/// What the author has dictated for a page, and what it has noted as filed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "draft", key = u32)]
pub(super) struct Draft {
    pub(super) dictated: Vec<u32>,
    pub(super) filed: Vec<u32>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "folder", key = u32)]
pub(super) struct Folder {
    pub(super) lines: Vec<u32>,
}

fn dictate(command: &Dictate, draft: &mut Option<Draft>) -> Write {
    draft.get_or_insert_default().dictated.push(command.line);
    Write { page: command.page, line: command.line, how: How::Plainly }
}

fn note_filed(incoming: &Filed, draft: &mut Draft) {
    if !draft.filed.contains(&incoming.line) {
        draft.filed.push(incoming.line);
    }
}

/// Files a line. On purpose not idempotent: a line that is received twice is filed twice.
fn file(incoming: &Written, folder: &mut Option<Folder>) -> Filed {
    folder.get_or_insert_default().lines.push(incoming.line);
    Filed { page: incoming.page, line: incoming.line }
}

pub(super) const SERVICES: [&str; 3] = ["author", "scribe", "archive"];

pub(super) fn choreography(service: usize) -> Choreography {
    match SERVICES[service] {
        "author" => Choreography::new("author").command(dictate).on(note_filed),
        "scribe" => scribe(Press::default()),
        _ => Choreography::new("archive").on(file),
    }
}

/// Returns the filter subjects of a service's consumers.
pub(super) fn receives(service: usize) -> Vec<String> {
    let subjects: &[&str] = match SERVICES[service] {
        "author" => &["archive.filed.*"],
        "scribe" => &crate::diary::SCRIBE_RECEIVES,
        _ => &["scribe.written.*"],
    };
    subjects.iter().map(|subject| (*subject).to_owned()).collect()
}
