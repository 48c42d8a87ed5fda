//! What has arrived is opened: messages, effects that are over, what is due, and commands, in this order.

use std::collections::HashMap;

use uuid::Uuid;

use super::answering::recall;
use super::{Arrival, Arrived, Attempt, Does, EffectOver, Item};
use crate::bus::Delivery;
use crate::derive::derived_id;
use crate::envelope::{Envelope, Heading};
use crate::letters::Outcome;
use crate::message::Reason;
use crate::opening::{Found, open};
use crate::repair::{DROP_REASON, Repair};
use crate::saying::{Cause, Death};
use crate::settings::BATCH_MAX;
use crate::step::{Kind, Opened};
use crate::store::{EffectRow, InboxRow, LaterChange, LaterRow, StoredAnswer, WaitingRow, Wanted};
use crate::tell::{Call, TellError};
use crate::words::Said;

impl<'a> Attempt<'a> {
    /// Opens messages and commands, before anything is known about them: what they are, and what they may need.
    pub(super) fn open(&mut self, arrived: &'a Arrived) -> (Vec<(&'a Delivery, Found<'a>)>, Vec<Item<'a>>, Wanted) {
        let now = self.voice.now;
        let open = |delivery: &'a Delivery| match open(self.choreography, &delivery.envelope, now) {
            Found::Dead(heading, _) | Found::Alive(heading, _)
                if arrived.deadly.is_some_and(|(id, _)| id == heading.id) =>
            {
                let tries = arrived.deadly.map_or(0, |(_, deaths)| deaths);
                let detail = format!("deadly: {tries} processes died of it");
                (delivery, Found::Dead(heading, Death { reason: Reason::Poison, detail, tries }))
            }
            found => (delivery, found),
        };
        let found: Vec<_> = arrived.deliveries.iter().map(open).collect();
        let heard = found.iter().filter_map(|(_, found)| match found {
            Found::Foreign(_) => None,
            Found::Dead(heading, _) | Found::Alive(heading, _) => Some(heading.id),
        });
        let keys = arrived.calls.iter().filter_map(|call| Some(call.once.as_ref()?.key.clone()));
        let due = arrived.due.then_some((now, u32::try_from(BATCH_MAX).unwrap_or(u32::MAX)));
        let wanted = Wanted { heard: heard.collect(), answers: keys.collect(), due, ..Wanted::default() };
        let calls: Vec<_> =
            arrived.calls.iter().enumerate().filter_map(|(number, call)| self.call_of(number, call)).collect();
        for (delivery, found) in &found {
            if let (Found::Alive(_, Some(opened)), Some((_, name, _))) = (found, delivery.envelope.parts())
                && let Some(step) = self.choreography.step(name)
            {
                self.want(|tables| step.want(opened, tables));
            }
        }
        calls.iter().for_each(|item| self.want(|tables| item.want(tables)));
        (found, calls, wanted)
    }

    fn call_of(&mut self, number: usize, call: &'a Call) -> Option<Item<'a>> {
        let Some(step) = self.choreography.command_step(call.message) else {
            let detail = format!("{} knows no command {}", self.choreography.service, call.message);
            self.replies.insert(number, Err(TellError::Failed(detail)));
            return None;
        };
        let cause = Cause { id: call.id, correlation: call.key.clone(), trace: call.trace.clone(), expiry: None };
        let does = Does::Command { step, call: number, once: call.once.as_ref() };
        Some(Item { does, opened: (call.opened)(self.voice.now), cause })
    }

    /// Messages, each once.
    pub(super) fn hear(&mut self, found: Vec<(&'a Delivery, Found<'a>)>, mut known: HashMap<Uuid, Option<u32>>) {
        for (delivery, found) in found {
            let (heading, repair) = match &found {
                Found::Foreign(problem) => {
                    self.ignored += 1;
                    tracing::debug!(subject = &*delivery.envelope.subject, problem, "ignored a foreign message");
                    continue;
                }
                Found::Dead(heading, _) | Found::Alive(heading, _) => (*heading, Repair::of(&delivery.envelope)),
            };
            let takes = match repair.and_then(Result::ok) {
                None => !known.contains_key(&heading.id),
                Some(repair) if repair.service != self.choreography.service => continue,
                Some(repair) => {
                    let meant = known.get(&heading.id) == Some(&Some(repair.tries));
                    if meant {
                        known.insert(heading.id, None); // once a batch, too
                        self.changes.repaired.push(heading.id);
                    }
                    self.takes(&repair, &heading, &delivery.envelope, meant)
                }
            };
            if !takes {
                continue;
            }
            known.insert(heading.id, None);
            match found {
                Found::Foreign(_) => {}
                Found::Dead(heading, death) => self.die_in_turn(&Arrival::of(delivery, &heading).kept(), death),
                Found::Alive(heading, opened) => self.arrive(Arrival::of(delivery, &heading), &heading, opened),
            }
        }
    }

    /// Whether a repair is to be run. One that is refused, or a drop, is only answered.
    fn takes(&mut self, repair: &Repair, heading: &Heading<'_>, envelope: &Envelope, meant: bool) -> bool {
        if !meant {
            let detail = format!("it is not held for dead after {} tries: it was seen to already", repair.tries);
            self.answer_repair(envelope, Outcome::Refused, &detail);
        } else if !repair.replay {
            self.changes.inbox.push(InboxRow { id: heading.id, dead_tries: None });
            self.answer_repair(envelope, Outcome::Done, envelope.header(DROP_REASON).unwrap_or("given up"));
        }
        meant && repair.replay
    }

    /// A message that is alive: queued for its reaction, its effect, or both.
    fn arrive(&mut self, message: Arrival, heading: &Heading<'_>, opened: Option<Opened>) {
        self.heard += 1;
        self.changes.inbox.push(InboxRow { id: message.id, dead_tries: None });
        let name = message.envelope.parts().map_or("", |(_, name, _)| name);
        if self.choreography.effect_step(name).is_some() {
            self.changes.effects.push(EffectRow {
                number: 0,
                key: heading.subject.to_owned(),
                tries: 0,
                since_ms: self.changes.now_ms,
                due_ms: self.changes.now_ms,
                envelope: message.kept(),
            });
        }
        if let (Some(step), Some(opened)) = (self.choreography.step(name), opened) {
            let cause = Cause::of(heading, step.kind);
            self.queue.push_back(Item { does: Does::React { step, message: Box::new(message) }, opened, cause });
        }
    }

    pub(super) fn settle_effects(&mut self, effects: &[EffectOver]) {
        for over in effects {
            self.changes.effects_done.push(over.row.number);
            match &over.outcome {
                Ok(said) => self.answer_effect(&over.row.envelope, said),
                Err(death) => self.die_in_turn(&over.row.envelope, death.clone()),
            }
        }
    }

    /// An effect's answer is said, and the effect's `then` hears it at once.
    fn answer_effect(&mut self, envelope: &Envelope, said: &[Said]) {
        let heading = Heading::read(envelope).expect("its headers could be read when it was queued");
        let cause = Cause::of(&heading, Kind::Effect);
        self.answer_repair(envelope, Outcome::Done, "the effect was run");
        let does = Does::Answer { said: said.to_vec() };
        self.queue.push_back(Item { does, opened: Box::new(()), cause: cause.clone() });
        let then = envelope.parts().and_then(|(_, name, _)| self.choreography.effect_step(name)?.then.as_ref());
        let answer = then.and_then(|then| Some((then, said.iter().find(|said| said.name == then.message)?)));
        let Some((step, answer)) = answer else { return };
        let cause = Cause { id: derived_id(heading.id, "then"), ..cause };
        match step.open(answer.payload.as_bytes(), &answer.key, cause.id, self.voice.now) {
            Ok(opened) => {
                let (id, expiry, envelope) = (heading.id, heading.expiry, envelope.clone());
                let message = Box::new(Arrival { id, expiry, envelope, sequence: None });
                self.queue.push_back(Item { does: Does::React { step, message }, opened, cause });
            }
            Err(detail) => self.die_in_turn(envelope, Death { reason: Reason::Poison, detail, tries: 1 }),
        }
    }

    /// What is to be said by now becomes an ordinary message; what has waited too long dies.
    pub(super) fn take_due(&mut self, due: Vec<LaterRow>, expired: Vec<WaitingRow>) {
        for row in due {
            self.changes.later.push(LaterChange::Remove { name: row.name, key: row.key });
            self.changes.outbox.push(row.envelope);
        }
        for row in expired {
            self.changes.waited.push(row.id);
            let detail = format!("expired: it waited in vain for {} {}", row.table, row.key);
            self.die_in_turn(&row.envelope, Death { reason: Reason::Expired, detail, tries: 0 });
        }
    }

    /// Commands; one that was answered under its idempotency key is answered the same again.
    pub(super) fn take_calls(&mut self, items: Vec<Item<'a>>, calls: &[Call], answers: &[StoredAnswer]) {
        for item in items {
            match &item.does {
                Does::Command { call, once: Some(once), .. } => {
                    match answers.iter().find(|answer| answer.key == once.key) {
                        Some(known) => drop(self.replies.insert(*call, recall(&calls[*call], known))),
                        None => match &calls[*call].closed {
                            Some(closed) => drop(self.replies.insert(*call, Err(closed.clone()))),
                            None => self.queue.push_back(item),
                        },
                    }
                }
                _ => self.queue.push_back(item),
            }
        }
    }
}

impl Arrival {
    fn of(delivery: &Delivery, heading: &Heading<'_>) -> Self {
        let (envelope, sequence) = (delivery.envelope.clone(), Some(delivery.stream_sequence));
        Self { id: heading.id, expiry: heading.expiry, envelope, sequence }
    }
}
