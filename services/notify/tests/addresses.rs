//! Every address that an order may have is one that the mailer can write to.

use contracts::EmailAddress;
use lettre::transport::stub::AsyncStubTransport;
use notify::mail::Mail;
use notify::mailer::{FROM, Mailer};
use uuid::Uuid;

#[tokio::test]
async fn the_mailer_writes_to_every_address_that_is_accepted() {
    let longest = format!("{}@{}.example", "a".repeat(64), "b".repeat(63));
    for text in [
        "ada@example.com",
        "root@localhost",
        "a.b.c@x-y.example",
        "!#$%&'*+/=?^_`{|}~-@example.com",
        "1@2.x",
        "a@xn--0.xn--com",
        &longest,
    ] {
        let address: EmailAddress = text.parse().unwrap();
        let mails = AsyncStubTransport::new_ok();
        let mailer = Mailer::to_memory(FROM.parse().unwrap(), mails.clone());
        let mail = Mail { to: address.as_str().parse().unwrap(), subject: "tea".into(), body: "tea".into() };
        mailer.send(&mail, Uuid::from_u128(1), "2026-03-01T12:00:00Z".parse().unwrap()).await.unwrap();
        let sent = mails.messages().await;
        assert_eq!(sent[0].0.to()[0].to_string(), text);
    }
}
