//! A server that speaks the protocol of NATS and answers every request with what a target says, so that a client meets
//! answers that no real server gives.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a server sends first.
const INFO: &str = "INFO {\"server_id\":\"A\",\"version\":\"2.15.1\",\"proto\":1,\"host\":\"127.0.0.1\",\"port\":4222,\
                    \"headers\":true,\"max_payload\":1048576,\"jetstream\":true,\"client_id\":1}\r\n";

/// An answer to a request.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The subject under which it arrives, if it is not that of the request's reply.
    pub(crate) subject: Option<String>,
    /// Its own reply subject.
    pub(crate) reply: Option<String>,
    /// The text of its headers, if it has any.
    pub(crate) headers: Option<Vec<u8>>,
    /// The payload.
    pub(crate) payload: Vec<u8>,
}

/// The answers to the next requests: to each request those of one entry.
pub(crate) type Planned = Arc<Mutex<VecDeque<Vec<Answer>>>>;

/// Starts a server. Returns its URL.
pub(crate) async fn start(planned: Planned) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let url = format!("nats://{}", listener.local_addr().expect("it listens"));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, planned.clone()));
        }
    });
    url
}

async fn serve(stream: TcpStream, planned: Planned) -> Option<()> {
    let mut stream = BufReader::new(stream);
    let mut subscriptions: HashMap<String, String> = HashMap::new();
    stream.write_all(INFO.as_bytes()).await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let tokens: Vec<&str> = line.split_whitespace().collect();
        match tokens.as_slice() {
            ["PING"] => stream.write_all(b"PONG\r\n").await.ok()?,
            ["SUB", subject, .., id] => drop(subscriptions.insert((*subject).to_owned(), (*id).to_owned())),
            ["PUB" | "HPUB", _, rest @ .., size] => {
                let mut payload = vec![0; size.parse::<usize>().ok()? + 2];
                stream.read_exact(&mut payload).await.ok()?;
                let Some(reply) = rest.first().filter(|reply| reply.starts_with('_')) else { continue };
                let answers = planned.lock().ok()?.pop_front().unwrap_or_default();
                for answer in answers {
                    let id = subscriptions.iter().find(|(filter, _)| takes(filter, reply)).map(|(_, id)| id.clone())?;
                    stream.write_all(&sent(&answer, reply, &id)).await.ok()?;
                }
            }
            _ => {}
        }
        stream.flush().await.ok()?;
    }
}

fn takes(filter: &str, subject: &str) -> bool {
    filter == subject || filter.strip_suffix('*').is_some_and(|start| subject.starts_with(start))
}

/// Returns an answer as it is sent. Its subjects are one token each, as those of a real server.
fn sent(answer: &Answer, reply: &str, id: &str) -> Vec<u8> {
    let plain = |text: &str| text.split_whitespace().collect::<String>();
    let subject = answer.subject.as_deref().map(plain).filter(|subject| !subject.is_empty());
    let subject = subject.unwrap_or_else(|| reply.to_owned());
    let reply = answer.reply.as_deref().map(plain).unwrap_or_default();
    let payload = &answer.payload;
    let mut sent = match &answer.headers {
        None => format!("MSG {subject} {id} {reply} {}\r\n", payload.len()).into_bytes(),
        Some(headers) => {
            let total = headers.len() + payload.len();
            let mut sent = format!("HMSG {subject} {id} {reply} {} {total}\r\n", headers.len()).into_bytes();
            sent.extend_from_slice(headers);
            sent
        }
    };
    sent.extend_from_slice(payload);
    sent.extend_from_slice(b"\r\n");
    sent
}
