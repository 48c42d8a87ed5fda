//! A database is put back to an older copy, and effects that had ended are run again with another outcome: what the stream
//! has of them counts.

use std::sync::{Arc, Mutex};

use choreography::store::memory::MemoryCopy;
use choreography::{Choreography, Dead, EffectError, Envelope, Message, Row, Scheduled, Service, Settings};
use serde::{Deserialize, Serialize};

use crate::repairing::deaths;
use crate::stage::{Stage, healthy};
use crate::{ms, pass, until};

macro_rules! messages {
    ($($name:literal $message:ident { $($field:ident)? })*) => {$(
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Message)]
        #[message(name = $name, key = loan, role = event)]
        struct $message { loan: u32 $(, $field: u32)? }
    )*};
}
messages! { "asked" Asked {} "barred" Barred {} "granted" Granted { offer } "refused" Refused {} "reminded" Reminded {}
"not-asked" NotAsked {} }

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "loan", key = u32)]
struct Loan {
    log: Vec<String>,
}

impl Loan {
    /// Whether the entry is new.
    fn enter(&mut self, entry: String) -> bool {
        let is_new = !self.log.contains(&entry);
        self.log.extend(is_new.then_some(entry));
        is_new
    }
}

/// What the bank does when it is asked.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Answer {
    Grants { offer: u32 },
    Refuses,
    IsClosed,
    IsJammed,
    ThinksItOver,
}

#[derive(Clone)]
struct Bank(Arc<Mutex<(Answer, usize)>>);

impl Bank {
    fn set(&self, answer: Answer) {
        self.0.lock().unwrap().0 = answer;
    }

    /// Returns how often it was asked.
    fn asked(&self) -> usize {
        self.0.lock().unwrap().1
    }
}

type Outcome = (Option<(Granted, Scheduled<Reminded>)>, Option<Refused>);

async fn ask(message: &Asked, bank: &Bank) -> Result<Outcome, EffectError> {
    let loan = message.loan;
    bank.0.lock().unwrap().1 += 1;
    loop {
        let answer = bank.0.lock().unwrap().0;
        return match answer {
            Answer::Grants { offer } => {
                Ok((Some((Granted { loan, offer }, Reminded { loan }.after(ms(30_000)))), None))
            }
            Answer::Refuses => Ok((None, Some(Refused { loan }))),
            Answer::IsClosed => Err(EffectError::permanent("the bank is closed for good")),
            Answer::IsJammed => Err(EffectError::transient("the line is jammed")),
            Answer::ThinksItOver => {
                pass(ms(100)).await;
                continue;
            }
        };
    }
}

fn note_granted(message: &Granted, loan: &mut Option<Loan>) {
    loan.get_or_insert_default().enter(format!("granted {}", message.offer));
}

fn note_not_asked(dead: &Dead<Asked>, loan: &mut Option<Loan>) -> Option<NotAsked> {
    let entry = format!("not asked: {}, {}", dead.reason(), dead.detail());
    loan.get_or_insert_default().enter(entry).then_some(NotAsked { loan: *dead.key() })
}

fn bar(_: &Barred, loan: &mut Option<Loan>) {
    loan.get_or_insert_default().enter("barred".to_owned());
}

fn is_barred(_: &Asked, loan: Option<&Loan>) -> Option<String> {
    loan?.log.contains(&"barred".to_owned()).then(|| "the loan is barred".to_owned())
}

/// A lender, its bank, and a stage.
struct Office {
    stage: Stage,
    bank: Bank,
}

impl Office {
    fn with(answer: Answer) -> Self {
        let stage = Stage::new();
        stage.bus.add_consumer("lender-0", &["author.asked.*", "author.barred.*"]);
        stage.bus.add_consumer("desk-0", &["lender.*.*"]);
        Self { stage, bank: Bank(Arc::new(Mutex::new((answer, 0)))) }
    }

    async fn start(&self) -> Service {
        let lender = Choreography::new("lender").effect(ask, self.bank.clone()).then(note_granted);
        let lender = lender.unless(is_barred).within(ms(5_000)).fallback(note_not_asked).on(bar);
        let settings = Settings { effect_backoff: ms(1_000), ..self.stage.settings() };
        self.stage.start_choreography(lender, Arc::new(self.stage.store.clone()), settings).await
    }

    async fn copy_of_stopped(&self) -> MemoryCopy {
        let lender = self.start().await;
        self.rest(&lender).await;
        lender.stop().await;
        self.stage.store.copy()
    }

    /// Waits until no effect is queued, and everything is published.
    async fn rest(&self, lender: &Service) {
        healthy(lender).await;
        pass(ms(1_000)).await;
        until("no effect is queued", || async { self.stage.backlog().await.effects == 0 }).await;
        pass(ms(1_000)).await;
    }

    /// Ends a lender, puts a copy of its database back, and starts it with a bank that does something else.
    async fn put_back(&self, lender: Service, copy: &MemoryCopy, answer: Answer) -> Service {
        lender.stop().await;
        self.stage.store.put_back(copy);
        self.bank.set(answer);
        let lender = self.start().await;
        self.rest(&lender).await;
        lender
    }

    /// Returns the names of what was published, in order.
    fn published(&self) -> Vec<String> {
        let published = self.stage.bus.published().into_iter().map(|stored| stored.envelope.subject.to_string());
        let name = |subject: String| Some(subject.strip_prefix("lender.")?.split('.').next()?.to_owned());
        published.filter_map(name).collect()
    }

    /// Publishes a message whose effect fails. Returns it once it has died.
    async fn fail(&self) -> Envelope {
        let message = self.stage.envelope(&Asked { loan: 1 });
        self.stage.bus.publish(&message).unwrap();
        until("it dies", || async { deaths(&self.stage).len() == 1 }).await;
        message
    }

    /// Replays a message that has died, and waits for the record.
    async fn replay(&self, message: &Envelope) {
        let records = self.records().len();
        let dead_letters = self.stage.bus.dead_letters();
        let last = dead_letters.iter().rfind(|stored| stored.envelope.subject.starts_with("dead.")).unwrap();
        let mark = format!("lender/{}/{}", last.envelope.header("dead-tries").unwrap(), last.sequence);
        let headers = message.headers.with("dead-replay", mark);
        self.stage.bus.publish(&Envelope { headers, ..message.clone() }).unwrap();
        until("the repair is recorded", || async { self.records().len() > records }).await;
    }

    /// Returns the outcomes of repairs.
    fn records(&self) -> Vec<String> {
        let outcome = |record: Envelope| record.header("handled-outcome").map(str::to_owned);
        self.stage.dead_letters().into_iter().filter_map(outcome).collect()
    }

    async fn log(&self, lender: &Service) -> Vec<String> {
        lender.get::<Loan>(&1).await.unwrap().unwrap_or_default().log
    }
}

/// Lets an effect end, puts the database back to a copy from before, and lets the effect end otherwise. Returns what was
/// published, how many dead letters there are, and the log.
async fn ended_again(first: Answer, then: Answer) -> (Vec<String>, usize, Vec<String>) {
    let office = Office::with(first);
    let lender = office.start().await;
    office.rest(&lender).await;
    let copy = office.stage.store.copy();
    office.stage.publish(Asked { loan: 1 });
    office.rest(&lender).await;
    let lender = office.put_back(lender, &copy, then).await;
    pass(ms(60_000)).await;
    let log = office.log(&lender).await;
    lender.stop().await;
    (office.published(), deaths(&office.stage).len(), log)
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_had_succeeded_counts_as_done_whatever_comes_of_it_when_it_is_run_again() {
    for answer in [Answer::IsClosed, Answer::IsJammed, Answer::Refuses] {
        let (published, deaths, log) = ended_again(Answer::Grants { offer: 7 }, answer).await;
        assert_eq!((deaths, log), (0, vec!["granted 7".to_owned()]), "{answer:?}");
        assert_eq!(published, ["granted"], "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_an_effect_had_published_is_what_its_then_receives_and_what_it_had_scheduled_is_scheduled_again() {
    let (published, deaths, log) = ended_again(Answer::Grants { offer: 7 }, Answer::Grants { offer: 8 }).await;
    assert_eq!((deaths, log), (0, vec!["granted 7".to_owned()]));
    assert_eq!(published, ["granted", "reminded"]);
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_had_another_result_does_not_publish_a_second_one() {
    let (published, deaths, log) = ended_again(Answer::Refuses, Answer::Grants { offer: 8 }).await;
    assert_eq!((published, deaths, log), (vec!["refused".to_owned()], 0, Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_had_failed_for_good_has_failed_whatever_comes_of_it_when_it_is_run_again() {
    for (first, detail) in
        [(Answer::IsClosed, "poison, the bank is closed for good"), (Answer::IsJammed, "exhausted, the line is jammed")]
    {
        for then in [Answer::Grants { offer: 7 }, Answer::IsClosed, Answer::IsJammed] {
            let (published, deaths, log) = ended_again(first, then).await;
            assert_eq!((deaths, log), (1, vec![format!("not asked: {detail}")]), "{then:?}");
            assert_eq!(published, ["not-asked"], "{then:?}");
        }
    }
}

/// Has an effect queued in the copy, and lets it end. Returns the office and the lender after the copy was put back.
async fn queued_in_the_copy(first: Answer, then: Answer, happens: impl AsyncFnOnce(&Office)) -> (Office, Service) {
    let office = Office::with(Answer::ThinksItOver);
    let lender = office.start().await;
    office.rest(&lender).await;
    office.stage.publish(Asked { loan: 1 });
    until("the bank is asked", || async { office.bank.asked() == 1 }).await;
    happens(&office).await;
    let copy = office.stage.store.copy();
    office.bank.set(first);
    office.rest(&lender).await;
    // The repair takes long: effects would be run before it is done.
    office.stage.bus.faults().set_latency(ms(500));
    let lender = office.put_back(lender, &copy, then).await;
    pass(ms(20_000)).await;
    (office, lender)
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_is_queued_in_the_copy_and_had_succeeded_counts_as_done() {
    let granted = Answer::Grants { offer: 7 };
    let (office, lender) = queued_in_the_copy(granted, Answer::IsClosed, async |_| ()).await;
    assert_eq!((office.published(), deaths(&office.stage).len()), (vec!["granted".to_owned()], 0));
    assert_eq!(office.log(&lender).await, ["granted 7"]);
    lender.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_effect_that_is_queued_in_the_copy_and_had_failed_for_good_has_failed() {
    let granted = Answer::Grants { offer: 7 };
    let (office, lender) = queued_in_the_copy(Answer::IsClosed, granted, async |_| ()).await;
    assert_eq!((office.published(), deaths(&office.stage).len()), (vec!["not-asked".to_owned()], 1));
    assert_eq!(office.log(&lender).await, ["not asked: poison, the bank is closed for good"]);
    lender.stop().await;
}

/// When the effect ran for the first time, nothing had barred the loan.
#[tokio::test(start_paused = true)]
async fn an_effect_that_had_succeeded_and_is_obsolete_by_now_counts_as_done() {
    let bar = async |office: &Office| {
        office.stage.publish(Barred { loan: 1 });
        pass(ms(2_000)).await;
    };
    let granted = Answer::Grants { offer: 7 };
    let (office, lender) = queued_in_the_copy(granted, granted, bar).await;
    assert_eq!(
        (office.bank.asked(), office.log(&lender).await),
        (1, vec!["barred".to_owned(), "granted 7".to_owned()])
    );
    lender.stop().await;
}

/// The message has died, and its replay has succeeded.
#[tokio::test(start_paused = true)]
async fn the_replay_of_a_message_whose_effect_had_failed_is_done_again() {
    let office = Office::with(Answer::IsJammed);
    // A copy of a process that has ended as it should: what is read again is processed in batches, not one by one.
    let copy = office.copy_of_stopped().await;
    let lender = office.start().await;
    let message = office.fail().await;
    office.bank.set(Answer::Grants { offer: 7 });
    office.replay(&message).await;
    office.rest(&lender).await;
    let lender = office.put_back(lender, &copy, Answer::IsClosed).await;
    assert_eq!(office.log(&lender).await, ["not asked: exhausted, the line is jammed", "granted 7"]);
    assert_eq!(
        (office.published(), office.records()),
        (["not-asked", "granted"].map(str::to_owned).to_vec(), vec!["done".to_owned()])
    );
    assert_eq!(deaths(&office.stage).len(), 1);
    lender.stop().await;
}

/// The message has died, and so has its replay: its next one is done.
#[tokio::test(start_paused = true)]
async fn the_replay_of_a_message_whose_effect_had_failed_twice_fails_again_and_can_be_replayed() {
    let office = Office::with(Answer::IsJammed);
    // A copy of a process that has ended as it should: what is read again is processed in batches, not one by one.
    let copy = office.copy_of_stopped().await;
    let lender = office.start().await;
    let message = office.fail().await;
    office.replay(&message).await;
    let lender = office.put_back(lender, &copy, Answer::Grants { offer: 7 }).await;
    assert_eq!((deaths(&office.stage).len(), office.records()), (2, vec!["died".to_owned()]));
    office.replay(&message).await;
    office.rest(&lender).await;
    assert_eq!(office.log(&lender).await, ["not asked: exhausted, the line is jammed", "granted 7"]);
    assert_eq!(office.records(), ["died", "done"]);
    lender.stop().await;
}
