//! The shop while notify is updated from the release that did not ask for profiles: orders go on, and every customer is
//! told once how the order ended, whichever release did what.

use std::sync::Arc;
use std::time::Duration;

use choreography::testing::{Event, Harness, Losses, Random, Release, Services, Size, Story, World};
use choreography::{Choreography, EffectError, Incoming, Message, Settings, nothing};
use contracts::{News, OrderId, OrderUpdated};
use notify::notifications::{MailStatus, Notification, Notifications};
use serde::{Deserialize, Serialize};

use crate::deed::Deed;
use crate::shop::Shop;

/// As that release wrote it.
#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "customer-notified", key = order_id, role = event)]
struct CustomerNotified {
    order_id: OrderId,
    status: News,
}

/// Notes a mail. Without an address in the order it was skipped at once: nobody had a profile.
fn note_mail(message: &Incoming<OrderUpdated>, notifications: &mut Option<Notifications>) {
    let mut mail = Notification::about(message, message.id(), message.now());
    if message.email.is_none() {
        mail.mail = MailStatus::Skipped;
    }
    notifications.get_or_insert_with(|| Notifications::none(message.order_id)).add(mail);
}

async fn send_mail(message: &Incoming<OrderUpdated>, (): &()) -> Result<CustomerNotified, EffectError> {
    Ok(CustomerNotified { order_id: message.order_id, status: message.status })
}

fn note_sent(message: &Incoming<CustomerNotified>, notifications: &mut Option<Notifications>) {
    let queued = notifications.iter_mut().flat_map(|known| &mut known.mails);
    for mail in queued.filter(|mail| mail.status == message.status && mail.mail == MailStatus::Queued) {
        (mail.mail, mail.sent_at) = (MailStatus::Sent, Some(message.now()));
    }
}

/// A shop in which notify is updated.
#[derive(Default)]
struct UpdatedShop(Shop);

impl World for UpdatedShop {
    type Action = Deed;

    fn draw(random: &mut Random, size: usize) -> Vec<(Duration, Deed)> {
        Shop::draw(random, size)
    }

    fn services(&self) -> Vec<Choreography> {
        self.0.services()
    }

    fn earlier_services(&self) -> Vec<Choreography> {
        let notify = Choreography::new("notify").on(note_mail).effect(send_mail, ()).then(note_sent);
        vec![notify.fallback(nothing::<OrderUpdated>)]
    }

    fn settings(&self) -> Settings {
        self.0.settings()
    }

    async fn act(self: Arc<Self>, deed: Deed, services: Services) {
        self.0.known.act(deed, services).await;
    }

    fn check(&self, harness: &Harness, losses: &Losses) -> Result<(), String> {
        self.0.check(harness, losses)
    }
}

#[test]
fn every_customer_is_told_whenever_notify_is_updated() {
    let mut updated = 0;
    for seed in 1..=8 {
        let story = Story::draw::<UpdatedShop>(seed, Size { actions: 30, troubles: 2 });
        if let Err(broken) = story.run::<UpdatedShop>() {
            panic!("seed {seed}: {broken}\n{story}");
        }
        updated += story.steps.iter().filter(|step| matches!(step.event, Event::Release(_, Release::Earlier))).count();
    }
    assert!(updated > 3, "notify was updated in {updated} stories");
}
