//! What a mail server refuses, and what becomes of a connection on which a mail was given up.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use notify::mail::Mail;
use notify::mailer::{FROM, MailError, Mailer};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use uuid::Uuid;

/// A mail server whose replies depend on the recipient.
#[derive(Clone, Default)]
struct Server {
    /// The recipients of the mails that it took, and the number of connections.
    seen: Arc<Mutex<(Vec<String>, u32)>>,
    /// Whether it replies about the recipient `slow@…` now.
    replies: Arc<watch::Sender<bool>>,
    /// Whether it refuses every client.
    is_closed: bool,
}

impl Server {
    async fn start(&self) -> Mailer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let server = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                server.seen.lock().unwrap().1 += 1;
                tokio::spawn(server.clone().serve(client));
            }
        });
        Mailer::to_server(FROM.parse().unwrap(), &url).unwrap()
    }

    async fn serve(self, client: TcpStream) -> Option<()> {
        let (read, mut write) = client.into_split();
        let (mut lines, mut recipient) = (BufReader::new(read).lines(), String::new());
        write.write_all(if self.is_closed { b"554 none\r\n" } else { b"220 test\r\n" }).await.ok()?;
        while let Some(line) = lines.next_line().await.ok()? {
            let reply = match line.get(..4)? {
                "RCPT" => {
                    recipient = line.split(['<', '>']).nth(1)?.to_owned();
                    self.reply_about(&recipient).await
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await.ok()?;
                    while lines.next_line().await.ok()?? != "." {}
                    self.seen.lock().unwrap().0.push(recipient.clone());
                    "250 taken"
                }
                _ => "250 well",
            };
            write.write_all(format!("{reply}\r\n").as_bytes()).await.ok()?;
        }
        Some(())
    }

    async fn reply_about(&self, recipient: &str) -> &'static str {
        match recipient.split('@').next() {
            Some("gone") => "550 no such mailbox",
            Some("full") => "452 the mailbox is full",
            Some("locked") => "530 authenticate first",
            Some("slow") => {
                let _ = self.replies.subscribe().wait_for(|replies| *replies).await;
                "250 well"
            }
            _ => "250 well",
        }
    }
}

async fn send(mailer: &Mailer, to: &str) -> Result<(), MailError> {
    let mail = Mail { to: to.parse().unwrap(), subject: "Your order".to_owned(), body: "It is paid.".to_owned() };
    let sent = mailer.send(&mail, Uuid::nil(), Timestamp::UNIX_EPOCH).await;
    // The task that keeps the connection runs first.
    tokio::task::yield_now().await;
    sent
}

#[tokio::test]
async fn a_refused_mailbox_is_a_permanent_failure_and_everything_else_a_transient_one() {
    let server = Server::default();
    let mailer = server.start().await;
    for (to, permanent) in [("gone@example.com", true), ("full@example.com", false), ("locked@example.com", false)] {
        let error = send(&mailer, to).await.unwrap_err();
        assert_eq!(error.is_permanent(), permanent, "{to}: {error:?}");
    }
    send(&mailer, "ada@example.com").await.unwrap();
    assert_eq!(server.seen.lock().unwrap().0, ["ada@example.com"]);
}

#[tokio::test]
async fn a_server_that_refuses_every_client_has_not_refused_the_mail() {
    let mailer = Server { is_closed: true, ..Server::default() }.start().await;
    let error = send(&mailer, "ada@example.com").await.unwrap_err();
    assert!(!error.is_permanent(), "{error:?}");
}

#[tokio::test]
async fn a_connection_on_which_a_mail_was_given_up_is_not_used_again() {
    let server = Server::default();
    let mailer = server.start().await;
    send(&mailer, "ada@example.com").await.unwrap();
    send(&mailer, "ada@example.com").await.unwrap();
    assert_eq!(server.seen.lock().unwrap().1, 1, "connections are kept open");
    let given_up = tokio::time::timeout(Duration::from_millis(100), send(&mailer, "slow@example.com")).await;
    assert!(given_up.is_err());
    tokio::task::yield_now().await;
    server.replies.send_replace(true);
    send(&mailer, "bob@example.com").await.unwrap();
    assert_eq!(
        *server.seen.lock().unwrap(),
        (["ada", "ada", "bob"].map(|name| format!("{name}@example.com")).to_vec(), 2)
    );
}
