//! An effect acts on the outside world. It runs after the commit, is tried again when it fails, and what it returns is
//! committed and published like the result of a reaction.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use choreography::testing::Harness;
use choreography::{Choreography, Command, Dead, EffectError, Incoming, Message, Row};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "invite", key = guest, row = Invitation)]
struct Invite {
    guest: String,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "guest-invited", key = guest, role = event)]
struct GuestInvited {
    guest: String,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "card-sent", key = guest, role = event)]
struct CardSent {
    guest: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "invitation", key = String)]
enum Invitation {
    Written,
    Sent,
    Undeliverable,
}

/// What the effect works with: a post office that is closed for the first two tries.
#[derive(Default)]
struct PostOffice {
    visits: AtomicU32,
}

impl PostOffice {
    async fn send(&self, guest: &str) -> Result<(), std::io::Error> {
        if guest == "nobody" {
            return Err(std::io::Error::new(std::io::ErrorKind::NotFound, "no such address"));
        }
        match self.visits.fetch_add(1, Ordering::Relaxed) {
            0 | 1 => Err(std::io::Error::other("closed")),
            _ => Ok(()),
        }
    }
}

fn invite(command: &Invite, invitation: &mut Option<Invitation>) -> Option<GuestInvited> {
    if invitation.is_some() {
        return None;
    }
    *invitation = Some(Invitation::Written);
    Some(GuestInvited { guest: command.guest.clone() })
}

/// Sends the card. An address that does not exist is not tried again.
async fn send_card(message: &Incoming<GuestInvited>, office: &PostOffice) -> Result<CardSent, EffectError> {
    office.send(&message.guest).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => EffectError::permanent(error),
        _ => EffectError::transient(error),
    })?;
    Ok(CardSent { guest: message.guest.clone() })
}

/// Notes that the card was sent, in the commit that publishes it.
fn note_sent(_: &CardSent, invitation: &mut Option<Invitation>) {
    *invitation = Some(Invitation::Sent);
}

/// The message has died: its effect failed permanently, or was tried too often.
fn give_up(_: &Dead<GuestInvited>, invitation: &mut Option<Invitation>) {
    *invitation = Some(Invitation::Undeliverable);
}

fn main() {
    let party = Choreography::new("party")
        .command(invite)
        .effect(send_card, PostOffice::default())
        .then(note_sent)
        .fallback(give_up);
    let harness = Harness::of([party]);
    for guest in ["ada", "nobody"] {
        harness.execute(Invite { guest: guest.to_owned() }).expect("a guest can be invited");
    }
    harness.until::<Invitation>(&"ada".to_owned(), |invitation| *invitation == Invitation::Sent);
    harness.until::<Invitation>(&"nobody".to_owned(), |invitation| *invitation == Invitation::Undeliverable);
    harness.advance(Duration::from_secs(1));
    for message in harness.published() {
        println!("{message} {}", message.key());
    }
    println!("dead letters: {}", harness.dead_letters().len());
}

// Output:
// party.guest-invited ada
// party.guest-invited nobody
// party.card-sent ada
// dead letters: 1
