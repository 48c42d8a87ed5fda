//! Keys that can't stand in a subject are refused where they would be said: the stream would refuse them for ever.

use std::sync::Arc;

use choreography::bus::memory::MemoryBus;
use choreography::{Choreography, Clock, Command, ExecuteError, Message, Row, Service, Settings};
use serde::{Deserialize, Serialize};

use crate::until;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Enrol {
    reader: u32,
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Welcome {
    name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Rename {
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reader;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Name;

impl Message for Enrol {
    const NAME: &'static str = "enrol";
    type Key = u32;
    fn key(&self) -> u32 {
        self.reader
    }
}

impl Message for Welcome {
    const NAME: &'static str = "welcome";
    type Key = String;
    fn key(&self) -> String {
        self.name.clone()
    }
}

impl Message for Rename {
    const NAME: &'static str = "rename";
    type Key = String;
    fn key(&self) -> String {
        self.name.clone()
    }
}

impl Row for Reader {
    const TABLE: &'static str = "reader";
    type Key = u32;
}

impl Row for Name {
    const TABLE: &'static str = "name";
    type Key = String;
}

impl Command for Enrol {
    type Row = Reader;
}

impl Command for Rename {
    type Row = Name;
}

fn enrol(command: &Enrol, reader: &mut Option<Reader>) -> Welcome {
    *reader = Some(Reader);
    Welcome { name: command.name.clone() }
}

fn rename(command: &Rename, name: &mut Option<Name>) -> Welcome {
    *name = Some(Name);
    Welcome { name: format!("new-{}", command.name.len()) }
}

#[tokio::test(start_paused = true)]
async fn an_unsayable_key_changes_nothing_and_holds_up_nobody() {
    let bus = MemoryBus::new();
    bus.add_consumer("desk-0", &[]);
    let clock = Clock::turned("2026-01-01T00:00:00Z".parse().unwrap());
    let settings = Settings { clock, ..Settings::default() };
    let choreography = Choreography::new("desk").command(enrol).command(rename);
    let builder = Service::builder(choreography).settings(settings).memory();
    let desk = builder.bus(Arc::new(bus.clone())).start().await.unwrap();
    let long = "x".repeat(5_000);
    for name in ["", "a.b", "*", "a >", "a b", "a\r\nb", "a\tb", "\u{7f}", &long] {
        let refused = desk.execute(Enrol { reader: 1, name: name.to_owned() }).await;
        assert!(matches!(refused, Err(ExecuteError::InvalidKey(_))), "{name:?}: {refused:?}");
        // Its own key stands in a header of what it says.
        let refused = desk.execute(Rename { name: name.to_owned() }).await;
        assert!(matches!(refused, Err(ExecuteError::InvalidKey(_))), "{name:?}: {refused:?}");
    }
    assert_eq!(desk.backlog().await.unwrap().outbox, 0);
    desk.execute(Enrol { reader: 1, name: "Ada-7_é".to_owned() }).await.unwrap();
    until("it is said", || async {
        bus.outgoing().iter().any(|(_, outgoing)| &*outgoing.subject == "desk.welcome.Ada-7_é")
    })
    .await;
    desk.stop().await;
}
