//! What the database learns from the stream about its own messages, and when rows of the outbox are deleted.

use std::collections::BTreeMap;

use choreography::Envelope;
use choreography::store::{Changes, NewOutboxRow, Renewal, Repair, StoreError, Wanted};

use crate::fixture::{
    Instances, LoadOne as _, at, begin, commit, envelope, id, in_outbox, leading, new_outbox, numbers, outgoing, place,
    set, to_publish,
};

/// Returns a message with a proper id.
fn with_id(name: &str, number: u128) -> Envelope {
    Envelope { headers: [("ce-id", id(number).to_string())].into(), ..envelope(name) }
}

fn adopting(adopt: Vec<NewOutboxRow>) -> Repair {
    Repair { now_ms: 5, adopt, ..Repair::default() }
}

async fn adopted(stores: &Instances, numbers: &[u128]) -> BTreeMap<uuid::Uuid, Envelope> {
    let adopted = numbers.iter().copied().map(id).collect();
    begin(&stores.second).await.load_all(Wanted { adopted, ..Wanted::default() }).await.adopted
}

pub(crate) async fn unknown_messages_are_adopted_as_published_rows(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    commit(&stores.first, Changes { outbox: to_publish(&["one"]), ..Changes::default() }).await.unwrap();
    assert!(!stores.first.head().await.unwrap().has_adopted);
    let found = in_outbox(new_outbox(), vec![with_id("a", 1), with_id("a", 2), with_id("b", 3)]);
    assert_eq!(stores.first.repair(epoch, adopting(found.clone())).await.unwrap(), 2);
    let head = stores.second.head().await.unwrap();
    assert_eq!((head.outbox_next, head.has_adopted), (5, true));
    let rows = outgoing(&stores.second).await;
    assert_eq!(numbers(&rows), [1, 2, 3, 4]);
    assert_eq!(rows.iter().map(|row| row.adopted).collect::<Vec<_>>(), [false, true, true, true]);
    assert_eq!(
        rows[1..].iter().map(|row| row.name.clone()).collect::<Vec<_>>(),
        found.iter().map(|row| row.name.clone()).collect::<Vec<_>>()
    );
    let known = [&found[0], &found[2]].map(|row| row.envelope.clone());
    assert_eq!(adopted(&stores, &[1, 3, 9]).await, BTreeMap::from_iter([id(1), id(3)].into_iter().zip(known)));
}

pub(crate) async fn adopting_raises_the_highest_numbers_and_never_lowers_them(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let outbox = new_outbox();
    let rows = in_outbox(outbox, vec![with_id("a", 1), with_id("a", 2), with_id("a", 3)]);
    let last = async || stores.second.given().await.unwrap().iter().map(|given| given.last).collect::<Vec<_>>();
    stores.first.repair(epoch, adopting(rows[1..2].to_vec())).await.unwrap();
    assert_eq!(last().await, [2]);
    stores.first.repair(epoch, adopting(rows[..1].to_vec())).await.unwrap();
    assert_eq!(last().await, [2]);
    // A process that numbers on there is in step with the database.
    commit(&stores.second, Changes { outbox: rows[2..].to_vec(), ..Changes::default() }).await.unwrap();
    assert_eq!(last().await, [3]);
}

pub(crate) async fn an_adopted_placeholder_does_not_stand_for_its_message(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let mut rows = in_outbox(new_outbox(), vec![with_id("a", 1), with_id("a", 2)]);
    rows[0].placeholder = true;
    stores.first.repair(epoch, adopting(rows)).await.unwrap();
    assert!(adopted(&stores, &[1, 2]).await.into_keys().eq([id(2)]));
}

pub(crate) async fn a_scheduled_message_that_is_adopted_is_not_published_again(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let schedule = |name: &str, number| {
        let choreography::store::ScheduleChange::Set(row) = set(name, 9) else { unreachable!() };
        choreography::store::ScheduleChange::Set(choreography::store::ScheduledRow {
            envelope: with_id(name, number),
            ..row
        })
    };
    let scheduled = vec![schedule("a", 1), schedule("b", 2), schedule("c", 3)];
    commit(&stores.first, Changes { scheduled, ..Changes::default() }).await.unwrap();
    // Of `b` another message was published meanwhile.
    let found = in_outbox(new_outbox(), vec![with_id("a", 1), with_id("b", 7)]);
    stores.first.repair(epoch, adopting(found)).await.unwrap();
    let due = begin(&stores.second).await.due(at(99), 10).await;
    assert_eq!(due.into_iter().map(|row| row.name).collect::<Vec<_>>(), ["b", "c"]);
}

pub(crate) async fn messages_of_commands_that_are_adopted_are_counted_until_that_is_accepted(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let choreography::store::ScheduleChange::Set(row) = set("b", 9) else { unreachable!() };
    let row = choreography::store::ScheduledRow { envelope: with_id("b", 3), ..row };
    let scheduled = vec![choreography::store::ScheduleChange::Set(row)];
    commit(&stores.first, Changes { scheduled, ..Changes::default() }).await.unwrap();
    let adopt = |numbers: std::ops::Range<u128>| {
        let named = |number| with_id(if number % 2 == 0 { "a" } else { "b" }, number);
        let adopt = in_outbox(new_outbox(), numbers.map(named).collect());
        // Message 3 was scheduled: the database knows the command.
        Repair { of_commands: [id(1), id(2), id(3), id(6)].into(), ..adopting(adopt) }
    };
    stores.first.repair(epoch, adopt(1..5)).await.unwrap();
    let lost = async || stores.second.reading_state().await.unwrap().lost_commands;
    assert_eq!(lost().await, [("a".into(), 1), ("b".into(), 1)]);
    stores.first.repair(epoch, adopt(5..8)).await.unwrap();
    assert_eq!(lost().await, [("a".into(), 2), ("b".into(), 1)]);
    assert_eq!(stores.second.accept_lost().await.unwrap(), 3);
    assert_eq!((lost().await, stores.first.accept_lost().await.unwrap()), (Vec::new(), 0));
}

pub(crate) async fn a_repair_makes_rows_placeholders_and_deletes_floors(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    commit(&stores.first, Changes { outbox: to_publish(&["a", "b"]), ..Changes::default() }).await.unwrap();
    for sequence in [60, 120, 180] {
        let floor = Some(place(sequence));
        stores.first.renew(epoch, &Renewal { floor, ..Renewal::of_lease(at(9)) }).await.unwrap();
    }
    let repair = Repair { placeholders: vec![(2, envelope("placeholder"))], floor: 120, ..Repair::default() };
    stores.first.repair(epoch, repair).await.unwrap();
    assert_eq!(stores.second.floors().await.unwrap(), [place(120), place(60)]);
    let rows = outgoing(&stores.second).await;
    assert_eq!(rows.iter().map(|row| row.placeholder).collect::<Vec<_>>(), [false, true]);
    assert_eq!(rows[1].envelope, envelope("placeholder"));
    assert_eq!(&*rows[1].name.kind, "b");
}

pub(crate) async fn a_repair_at_another_epoch_writes_nothing(stores: Instances) {
    let head = leading(&stores.first, 50).await;
    let found = in_outbox(new_outbox(), vec![with_id("a", 1)]);
    let repaired = stores.first.repair(head.epoch - 1, adopting(found)).await;
    assert!(matches!(repaired, Err(StoreError::HeadConflict { .. })), "{repaired:?}");
    assert_eq!(stores.second.head().await.unwrap(), head);
    assert_eq!(outgoing(&stores.second).await, []);
}

pub(crate) async fn rows_are_deleted_by_ranges_and_a_bounded_number_at_once(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    let outbox = to_publish(&["a"; 12]);
    commit(&stores.first, Changes { outbox, ..Changes::default() }).await.unwrap();
    let forget = Renewal { forget: vec![(1, 4), (6, 7), (9, 99)], forget_max: 5, ..Renewal::of_lease(at(9)) };
    assert!(stores.first.renew(epoch, &forget).await.unwrap());
    assert_eq!(numbers(&outgoing(&stores.second).await), [5, 7, 8, 9, 10, 11, 12]);
    assert!(stores.first.renew(epoch, &forget).await.unwrap());
    assert!(!stores.first.renew(epoch, &forget).await.unwrap());
    assert_eq!(numbers(&outgoing(&stores.second).await), [5, 8]);
    assert_eq!(stores.second.head().await.unwrap().outbox_next, 13);
}

pub(crate) async fn adopted_rows_are_forgotten_like_others(stores: Instances) {
    let epoch = leading(&stores.first, 50).await.epoch;
    stores.first.repair(epoch, adopting(in_outbox(new_outbox(), vec![with_id("a", 1)]))).await.unwrap();
    let forget = Renewal { forget: vec![(1, 1)], ..Renewal::of_lease(at(9)) };
    stores.first.renew(epoch, &forget).await.unwrap();
    assert!(!stores.second.head().await.unwrap().has_adopted);
    assert!(adopted(&stores, &[1]).await.is_empty());
}
