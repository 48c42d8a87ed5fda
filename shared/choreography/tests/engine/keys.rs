//! Keys that a subject can't contain are refused before they are committed: the server would refuse them for ever.

use std::sync::Arc;

use choreography::bus::memory::MemoryBus;
use choreography::{Choreography, Clock, Command, ExecuteError, Message, Row, Service, Settings};
use serde::{Deserialize, Serialize};

use crate::until;

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "enrol", key = reader, row = Reader)]
struct Enrol {
    reader: u32,
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "welcome", key = name, role = event)]
struct Welcome {
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "rename", key = name, row = Name)]
struct Rename {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "reader", key = u32)]
struct Reader;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "name", key = String)]
struct Name;

fn enrol(command: &Enrol, reader: &mut Option<Reader>) -> Welcome {
    *reader = Some(Reader);
    Welcome { name: command.name.clone() }
}

fn rename(command: &Rename, name: &mut Option<Name>) -> Welcome {
    *name = Some(Name);
    Welcome { name: format!("new-{}", command.name.len()) }
}

#[tokio::test(start_paused = true)]
async fn an_invalid_key_changes_nothing_and_blocks_nothing() {
    let bus = MemoryBus::new();
    bus.add_consumer("desk-0", &[]);
    let clock = Clock::seeded("2026-01-01T00:00:00Z".parse().unwrap(), 0);
    let settings = Settings { clock, ..Settings::default() };
    let choreography = Choreography::new("desk").command(enrol).command(rename);
    let builder = Service::builder(choreography).settings(settings).memory();
    let desk = builder.bus(Arc::new(bus.clone())).start().await.unwrap();
    let long = "x".repeat(5_000);
    for name in ["", "a.b", "*", "a >", "a b", "a\r\nb", "a\tb", "\u{7f}", &long] {
        let refused = desk.execute(Enrol { reader: 1, name: name.to_owned() }).await;
        assert!(matches!(refused, Err(ExecuteError::InvalidKey(_))), "{name:?}: {refused:?}");
        // The command's own key becomes a header of the messages that it publishes.
        let refused = desk.execute(Rename { name: name.to_owned() }).await;
        assert!(matches!(refused, Err(ExecuteError::InvalidKey(_))), "{name:?}: {refused:?}");
    }
    assert_eq!(desk.backlog().await.unwrap().outbox, 0);
    desk.execute(Enrol { reader: 1, name: "Ada-7_é".to_owned() }).await.unwrap();
    until("the message is published", || async {
        bus.published().iter().any(|stored| &*stored.envelope.subject == "desk.welcome.Ada-7_é")
    })
    .await;
    desk.stop().await;
}
