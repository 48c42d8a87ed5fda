//! The reactions of notify to the news of an order: it notes the mail, sends it, and notes that it was sent.
//!
//! What must hold: the mails of an order are sent in the order of the news, and a mail that is sent again has the same
//! `Message-ID`.

use std::time::Duration;

use choreography::{EffectError, Incoming};
use contracts::{Contact, CustomerNotified, News, OrderUpdated};

use crate::contacts::Contacts;
use crate::mail::{Mail, address_of_order};
use crate::mailer::Mailer;
use crate::notifications::{Notification, Notifications};

/// How long a mail waits for the name of its customer: it can go without.
const NAME_TIME_MAX: Duration = Duration::from_millis(500);
/// How long one try waits for the address of its customer.
const ADDRESS_TIME_MAX: Duration = Duration::from_secs(5);

/// Notes the mail before it is sent.
pub(crate) fn note_mail(message: &Incoming<OrderUpdated>, notifications: &mut Option<Notifications>) {
    let mail = Notification::about(message, message.id(), message.now());
    notifications.get_or_insert_with(|| Notifications::none(message.order_id)).add(mail);
}

/// What sending a mail needs.
pub(crate) struct MailMeans {
    pub(crate) mailer: Mailer,
    pub(crate) contacts: Contacts,
}

/// Sends the mail. If there is nobody to send it to, it is skipped, and the story ends all the same.
pub(crate) async fn send_mail(
    message: &Incoming<OrderUpdated>,
    means: &MailMeans,
) -> Result<CustomerNotified, EffectError> {
    let (order_id, status) = (message.order_id, message.status);
    let contact = contact_of(message, &means.contacts).await?;
    let mail = match Mail::about(message, contact.as_ref()) {
        Ok(mail) => mail,
        Err(skipped) => {
            tracing::info!(%order_id, ?skipped, "there is nobody to mail");
            return Ok(CustomerNotified { order_id, status, mailed: false, email: None });
        }
    };
    if let Err(error) = means.mailer.send(&mail, message.id(), message.now()).await {
        let is_permanent = error.is_permanent();
        let error = anyhow::Error::new(error).context(format!("mailing the customer of order {order_id}"));
        return Err(if is_permanent { EffectError::permanent(error) } else { EffectError::transient(error) });
    }
    Ok(CustomerNotified { order_id, status, mailed: true, email: Some(mail.to.to_string()) })
}

/// Returns how the order's customer is reached; none if there is no profile, or if it can't be looked up and the order
/// has an address: then the mail goes there, and greets nobody by name.
async fn contact_of(news: &OrderUpdated, contacts: &Contacts) -> Result<Option<Contact>, EffectError> {
    if news.status == News::Unknown {
        return Ok(None); // there is no mail about it
    }
    let customer_id = news.customer_id;
    if address_of_order(news).is_some() {
        let found = contacts.find(customer_id, NAME_TIME_MAX).await;
        return Ok(found.inspect_err(|error| tracing::debug!(%error, "a mail greets nobody by name")).unwrap_or(None));
    }
    contacts.find(customer_id, ADDRESS_TIME_MAX).await.map_err(|error| {
        let asked = format!("asking for the address of customer {customer_id} for order {}", news.order_id);
        EffectError::transient(anyhow::Error::new(error).context(asked))
    })
}

/// Returns why a mail is not sent: the customer has got later news, after which it is not true any more. A mail whose
/// message died, and is replayed, may come that late.
pub(crate) fn outdated(message: &OrderUpdated, notifications: Option<&Notifications>) -> Option<String> {
    let later = match notifications?.outdates(message.status)? {
        News::Cancelled => "cancelled",
        _ => "completed",
    };
    Some(format!("the customer was mailed already that the order is {later}"))
}

/// Notes that the mail was sent, or that there was nobody to send it to.
pub(crate) fn note_sent(message: &Incoming<CustomerNotified>, notifications: &mut Option<Notifications>) {
    if let Some(notifications) = notifications {
        notifications.note_sent(message, message.now());
    }
}

#[cfg(test)]
mod tests;
