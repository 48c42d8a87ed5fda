//! The properties of notify, and that each news has one mail.

use choreography::testing::{Moment, Properties};
use notify::contacts::Contacts;
use notify::mailer::Mailer;
use notify::notifications::{MailStatus, Notifications};

fn has_one_mail_for_each_news(story: &Moment<'_>) {
    for Notifications { mails, .. } in story.rows() {
        for (index, mail) in mails.iter().enumerate() {
            assert!(mails[..index].iter().all(|before| before.message_id != mail.message_id));
            assert_eq!(mail.sent_at.is_some(), mail.mail == MailStatus::Sent);
            assert_eq!(mail.skipped.is_some(), mail.mail == MailStatus::Skipped);
        }
    }
}

#[test]
fn notify_has_every_property_of_a_service() {
    let properties = Properties::of(notify::choreography(Mailer::default(), Contacts::unreachable()));
    let properties = properties.keeps("each news has one mail", has_one_mail_for_each_news);
    let reaches = |properties: Properties, status: MailStatus| {
        properties.reaches(format!("a mail that is {status:?}"), move |story| {
            story.rows::<Notifications>().iter().flat_map(|row| &row.mails).any(|mail| mail.mail == status)
        })
    };
    [MailStatus::Queued, MailStatus::Sent, MailStatus::Skipped].into_iter().fold(properties, reaches).check();
}
