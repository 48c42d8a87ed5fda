//! The reactions of notify to the news of an order: it notes the mail, sends it, and notes that it was sent.
//!
//! What must hold: the mails of an order are sent in the order of the news, and a mail that is sent again has the same
//! `Message-ID`.

use choreography::{EffectError, Incoming};
use contracts::{CustomerNotified, News, OrderUpdated};

use crate::mail::Mail;
use crate::mailer::Mailer;
use crate::notifications::{Notification, Notifications};

/// Notes the mail before it is sent.
pub(crate) fn note_mail(message: &Incoming<OrderUpdated>, notifications: &mut Option<Notifications>) {
    let mail = Notification::about(message, message.id(), message.now());
    notifications.get_or_insert_with(|| Notifications::none(message.order_id)).add(mail);
}

/// Sends the mail. If there is nobody to send it to, it is skipped, and the story ends all the same.
pub(crate) async fn send_mail(
    message: &Incoming<OrderUpdated>,
    mailer: &Mailer,
) -> Result<CustomerNotified, EffectError> {
    let (order_id, status) = (message.order_id, message.status);
    match Mail::about(message) {
        Ok(mail) => {
            if let Err(error) = mailer.send(&mail, message.id(), message.now()).await {
                let is_permanent = error.is_permanent();
                let error = anyhow::Error::new(error).context(format!("mailing the customer of order {order_id}"));
                return Err(if is_permanent { EffectError::permanent(error) } else { EffectError::transient(error) });
            }
        }
        Err(skipped) => tracing::info!(%order_id, ?skipped, "there is nobody to mail"),
    }
    Ok(CustomerNotified { order_id, status })
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

/// Notes that the mail was sent.
pub(crate) fn note_sent(message: &Incoming<CustomerNotified>, notifications: &mut Option<Notifications>) {
    if let Some(notifications) = notifications {
        notifications.note_sent(message.status, message.now());
    }
}

#[cfg(test)]
mod tests;
