//! Everything is received twice here: the second time must change nothing, and send the same mail.

use contracts::News;
use jiff::Timestamp;
use uuid::Uuid;

use super::*;
use crate::mail::Skipped;
use crate::mailer::FROM;
use crate::notifications::MailStatus;

const ORDER: Uuid = Uuid::from_u128(0x0198_c0de_0000_7000_8000_0000_0000_0001);

fn updated(status: News, email: Option<&str>) -> Incoming<OrderUpdated> {
    let (order_id, email) = (ORDER.into(), email.map(str::to_owned));
    let (total, reason, lines) = (None, None, Vec::new());
    let news = OrderUpdated { order_id, customer_id: ORDER.into(), email, status, total, reason, lines };
    Incoming::new(news, Uuid::from_u128(ORDER.as_u128() + 1 + status as u128), Timestamp::UNIX_EPOCH)
}

/// Returns the message that a mail was sent to this address, or that there was nobody to mail.
fn notified(status: News, email: Option<&str>) -> Incoming<CustomerNotified> {
    let (mailed, email) = (email.is_some(), email.map(str::to_owned));
    Incoming::new(CustomerNotified { order_id: ORDER.into(), status, mailed, email }, ORDER, Timestamp::UNIX_EPOCH)
}

fn contacts(email: Option<&str>) -> Contacts {
    Contacts::known([(ORDER.into(), Contact { name: "Ada".into(), email: email.map(str::to_owned) })])
}

fn to_directory(directory: &tempfile::TempDir, contacts: Contacts) -> MailMeans {
    MailMeans { mailer: Mailer::to_directory(FROM.parse().unwrap(), directory.path().to_owned()), contacts }
}

/// Notes the mails about this news, each twice.
fn noted(news: &[News], email: Option<&str>) -> Notifications {
    let mut notifications = None;
    for status in news {
        note_mail(&updated(*status, email), &mut notifications);
        let after = notifications.clone();
        note_mail(&updated(*status, email), &mut notifications);
        assert_eq!(notifications, after);
    }
    notifications.unwrap()
}

#[test]
fn a_mail_is_queued_until_it_is_sent_and_skipped_if_there_is_nobody() {
    let cases = [
        (Some("a@b.example"), Some("a@b.example"), [MailStatus::Sent, MailStatus::Queued], None),
        (None, Some("a@b.example"), [MailStatus::Sent, MailStatus::Queued], None),
        (None, None, [MailStatus::Skipped, MailStatus::Queued], Some(Skipped::NoAddress)),
        (Some("ada"), None, [MailStatus::Skipped, MailStatus::Skipped], Some(Skipped::BadAddress)),
    ];
    for (email, mailed_to, expected, skipped) in cases {
        let mut notifications = Some(noted(&[News::Paid, News::Completed], email));
        note_sent(&notified(News::Paid, mailed_to), &mut notifications);
        let after = notifications.clone();
        note_sent(&notified(News::Paid, mailed_to), &mut notifications);
        assert_eq!(notifications, after);
        let notifications = notifications.unwrap();
        let [paid, completed] = notifications.mails.as_slice() else { panic!("{notifications:?}") };
        assert_eq!([paid.mail, completed.mail], expected, "{email:?}");
        assert_eq!((paid.skipped, paid.sent_at.is_some()), (skipped, skipped.is_none()), "{email:?}");
        assert_eq!(paid.to.as_deref(), mailed_to.or(email));
        assert_ne!(paid.message_id, completed.message_id);
    }
}

#[test]
fn a_mail_is_not_true_any_more_once_the_customer_was_mailed_the_end_of_the_order() {
    let cases = [
        (News::Paid, News::Cancelled, Some("cancelled")),
        (News::Paid, News::Completed, Some("completed")),
        (News::Cancelled, News::Completed, None),
        (News::Completed, News::Paid, None),
    ];
    for (news, later, expected) in cases {
        let message = updated(news, Some("ada@example.com"));
        let mut notifications = Some(noted(&[news, later], Some("ada@example.com")));
        assert_eq!(outdated(&message, notifications.as_ref()), None, "{later:?} is not sent yet");
        note_sent(&notified(later, Some("ada@example.com")), &mut notifications);
        let expected = expected.map(|later| format!("the customer was mailed already that the order is {later}"));
        assert_eq!(outdated(&message, notifications.as_ref()), expected, "{news:?}, {later:?}");
        let first = &notifications.unwrap().mails[0];
        assert_eq!(
            (first.mail, first.skipped),
            match expected {
                Some(_) => (MailStatus::Skipped, Some(Skipped::Outdated)),
                None => (MailStatus::Queued, None),
            }
        );
    }
}

#[test]
fn news_that_come_after_the_end_of_the_order_are_skipped() {
    let mut notifications = Some(noted(&[News::Cancelled], Some("ada@example.com")));
    note_sent(&notified(News::Cancelled, Some("ada@example.com")), &mut notifications);
    note_mail(&updated(News::Paid, Some("ada@example.com")), &mut notifications);
    assert_eq!(notifications.unwrap().mails[1].skipped, Some(Skipped::Outdated));
}

#[tokio::test]
async fn the_customer_is_mailed_or_there_is_nobody_to_mail() {
    let cases = [
        (Some("ada@work.example"), Some("ada@home.example"), Some("ada@work.example")),
        (None, Some("ada@home.example"), Some("ada@home.example")),
        (None, None, None),
        (Some("ada"), Some("ada@home.example"), None),
    ];
    for (email, of_profile, mailed_to) in cases {
        let directory = tempfile::tempdir().unwrap();
        let means = to_directory(&directory, contacts(of_profile));
        for _ in 0..2 {
            let outgoing = send_mail(&updated(News::Paid, email), &means).await.unwrap();
            assert_eq!(outgoing, *notified(News::Paid, mailed_to), "{email:?}, {of_profile:?}");
        }
        let day = std::fs::read_dir(directory.path().join("1970-01-01"));
        assert_eq!(day.map_or(0, |day| day.count()), usize::from(mailed_to.is_some()), "{email:?}, {of_profile:?}");
    }
}

#[tokio::test]
async fn a_customer_who_can_not_be_looked_up_is_a_transient_error_unless_the_order_has_an_address() {
    let directory = tempfile::tempdir().unwrap();
    let means = to_directory(&directory, Contacts::unreachable());
    assert!(send_mail(&updated(News::Paid, Some("ada@example.com")), &means).await.unwrap().mailed);
    assert!(!send_mail(&updated(News::Unknown, None), &means).await.unwrap().mailed);
    let error = send_mail(&updated(News::Paid, None), &means).await.unwrap_err();
    assert!(!error.is_permanent());
    assert!(format!("{error:#}").contains(&format!("asking for the address of customer {ORDER}")), "{error:#}");
}

#[tokio::test]
async fn a_mail_that_is_not_taken_is_a_transient_error() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mailer = Mailer::to_server(FROM.parse().unwrap(), &format!("smtp://{closed}")).unwrap();
    let means = MailMeans { mailer, contacts: contacts(None) };
    let error = send_mail(&updated(News::Paid, Some("ada@example.com")), &means).await.unwrap_err();
    assert!(format!("{error:#}").contains(&format!("mailing the customer of order {ORDER}")), "{error:#}");
}
