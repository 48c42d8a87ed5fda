//! Everything that an application in memory has stored, as text.

use std::fmt::Write;

use super::harness::Harness;
use super::member::Member;
use crate::bus::Stored;

impl Harness {
    /// Returns everything that the streams and the services' databases have, as text: each message with its sequence, time,
    /// headers and payload, and each row. Of two runs of the same story it is the same, in whatever process.
    pub fn contents(&self) -> String {
        let mut text = String::new();
        let (events, dead_letters) = self.stored();
        events.iter().chain(&dead_letters).for_each(|stored| write_message(&mut text, stored));
        self.members().for_each(|member| write_rows(&mut text, member));
        text
    }
}

fn write_message(text: &mut String, Stored { sequence, at, envelope, .. }: &Stored) {
    let payload = String::from_utf8_lossy(&envelope.payload);
    let _ = writeln!(text, "{sequence} {at} {} {:?} {payload}", envelope.subject, envelope.headers);
}

fn write_rows(text: &mut String, member: &Member) {
    for table in member.tables() {
        for row in member.store.rows(table) {
            let _ = writeln!(text, "{} {table} {} {} {}", member.name(), row.key, row.version, row.state);
        }
    }
}
