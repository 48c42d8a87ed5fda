//! A mail server that takes every mail and remembers what it said, fast enough for hundreds a second.
//!
//! A mail counts from the moment it has arrived, whether the reply reaches its sender or not: a sender that gets no reply
//! sends it again, with the same `Message-ID`.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

/// A mail, as far as it matters here.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Received {
    pub(super) to: String,
    pub(super) message_id: String,
    pub(super) subject: String,
}

/// The mail server. It lives as long as this process.
pub(super) struct MailServer {
    port: u16,
    received: Arc<Mutex<Vec<Received>>>,
}

impl MailServer {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("binding the mail server")?;
        let (port, received) = (listener.local_addr()?.port(), Arc::<Mutex<Vec<Received>>>::default());
        let mails = received.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let mails = mails.clone();
                // A client that leaves in the middle of a mail has sent none.
                std::thread::spawn(move || converse(client, &mails).ok());
            }
        });
        Ok(Self { port, received })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Returns what has arrived.
    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn converse(mut client: TcpStream, mails: &Mutex<Vec<Received>>) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut lines = BufReader::new(client.try_clone()?).lines();
    client.write_all(b"220 mail\r\n")?;
    while let Some(line) = lines.next().transpose()? {
        let verb: String = line.chars().take(4).collect::<String>().to_ascii_uppercase();
        match &*verb {
            "DATA" => {
                client.write_all(b"354 go on\r\n")?;
                let mail = read_mail(&mut lines)?;
                mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail);
                client.write_all(b"250 taken\r\n")?;
            }
            "QUIT" => return client.write_all(b"221 bye\r\n"),
            _ => client.write_all(b"250 fine\r\n")?,
        }
    }
    Ok(())
}

/// Reads a mail up to the line with a dot.
fn read_mail(lines: &mut impl Iterator<Item = io::Result<String>>) -> io::Result<Received> {
    let (mut headers, mut in_body) = (Vec::<String>::new(), false);
    loop {
        let line = lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
        match line.as_str() {
            "." => break,
            "" => in_body = true,
            _ if in_body => {}
            folded if folded.starts_with(' ') => {
                if let Some(header) = headers.last_mut() {
                    header.push_str(folded);
                }
            }
            header => headers.push(header.to_owned()),
        }
    }
    let value = |name: &str| headers.iter().find_map(|header| header.strip_prefix(name)).unwrap_or_default().to_owned();
    Ok(Received { to: value("To: "), message_id: value("Message-ID: "), subject: value("Subject: ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_read_up_to_its_dot_and_its_headers_are_unfolded() {
        let text = "To: ada@example.com\nSubject: Your order\n is paid\nMessage-ID: <1@shop>\n\nTo: nobody\n.\nQUIT";
        let mut lines = text.lines().map(|line| Ok(line.to_owned()));
        let mail = read_mail(&mut lines).unwrap();
        let [to, message_id, subject] = ["ada@example.com", "<1@shop>", "Your order is paid"].map(str::to_owned);
        assert_eq!(mail, Received { to, message_id, subject });
        assert_eq!(lines.next().unwrap().unwrap(), "QUIT");
        assert!(read_mail(&mut lines).is_err(), "a mail without an end is none");
    }
}
