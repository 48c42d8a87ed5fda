//! Production: rows in SQLite files, messages on NATS JetStream, and a user for each service.
//!
//! ```console
//! $ cargo run --example production users     # the users of the server's configuration
//! $ cargo run --example production           # with NATS_URL, DATA_DIR and the users' passwords
//! ```
//!
//! Here both services run in one process, after the provisioning. In production each is a program of its own.

use std::env;
use std::error::Error;
use std::time::Duration;

use choreography::async_nats::ConnectOptions;
use choreography::bus::jetstream::JetStreamOptions;
use choreography::provision::{Plan, provision};
use choreography::{Choreography, Command, Message, Row, Service, nothing};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "ask-question", key = question, row = Question)]
struct AskQuestion {
    question: u32,
    text: String,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "question-asked", key = question, role = event)]
struct QuestionAsked {
    question: u32,
    text: String,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "question-answered", key = question, role = event)]
struct QuestionAnswered {
    question: u32,
    answer: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "question", key = u32)]
struct Question {
    answer: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "answer", key = u32)]
struct Answer;

fn ask_question(command: &AskQuestion, question: &mut Option<Question>) -> Option<QuestionAsked> {
    if question.is_some() {
        return None;
    }
    *question = Some(Question { answer: None });
    Some(QuestionAsked { question: command.question, text: command.text.clone() })
}

fn answer_question(message: &QuestionAsked, answer: &mut Option<Answer>) -> Option<QuestionAnswered> {
    if answer.replace(Answer).is_some() {
        return None;
    }
    let answer = if message.text.contains("six times seven") { "42" } else { "I don't know" };
    Some(QuestionAnswered { question: message.question, answer: answer.to_owned() })
}

fn note_answer(message: &QuestionAnswered, question: &mut Question) {
    question.answer = Some(message.answer.clone());
}

fn reader() -> Choreography {
    Choreography::new("reader").command(ask_question).on(note_answer).fallback(nothing::<QuestionAnswered>)
}

fn oracle() -> Choreography {
    Choreography::new("oracle").on(answer_question).fallback(nothing::<QuestionAsked>)
}

/// Returns a password from the environment.
fn password(variable: &str) -> Result<String, String> {
    env::var(variable).map_err(|_| format!("{variable} is not set"))
}

/// Starts a service on a SQLite file of its own, as its own user at the message server.
async fn start(choreography: Choreography, url: &str, data: &str) -> Result<Service, Box<dyn Error>> {
    let name = choreography.service();
    let server = JetStreamOptions {
        user: name.to_owned(),
        password: password(&format!("{}_PASSWORD", name.to_uppercase()))?,
        publishers: ["reader", "oracle"].map(str::to_owned).to_vec(), // for `Service::story`
        ..JetStreamOptions::new(url, name)
    };
    Ok(Service::builder(choreography).sqlite(format!("{data}/{name}.db")).jetstream(server).start().await?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let plan = Plan::of(&[reader(), oracle()]);
    if env::args().nth(1).is_some_and(|argument| argument == "users") {
        print!("{}", plan.users());
        return Ok(());
    }
    let url = env::var("NATS_URL").unwrap_or_else(|_| "nats://127.0.0.1:4222".to_owned());
    let data = env::var("DATA_DIR").unwrap_or_else(|_| ".data".to_owned());

    let admin = ConnectOptions::with_user_and_password("admin".to_owned(), password("ADMIN_PASSWORD")?);
    let client = admin.connect(&url).await;
    let client = client.map_err(|error| format!("{error}: is the server running, and ADMIN_PASSWORD right?"))?;
    for change in provision(&client, &plan).await? {
        println!("{change}");
    }

    let (reader, oracle) = (start(reader(), &url, &data).await?, start(oracle(), &url, &data).await?);
    let text = "What is six times seven?".to_owned();
    println!("asked: {:?}", reader.execute(AskQuestion { question: 1, text }).await?);
    let answered = loop {
        match reader.get::<Question>(&1).await? {
            Some(question) if question.answer.is_some() => break question,
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    };
    println!("later: {answered:?}");
    for (sequence, envelope) in reader.story("1", 1, 100).await? {
        println!("{sequence} {}", envelope.subject);
    }
    // A program with one service ends with `service.run_until_stopped().await`.
    reader.stop().await;
    oracle.stop().await;
    Ok(())
}

// Output:
// stream EVENTS: created (deny_delete and deny_purge can't be switched off again)
// stream DEAD_LETTERS: created (deny_delete and deny_purge can't be switched off again)
// stream KV_PROGRESS: created (deny_delete and deny_purge can't be switched off again)
// consumer reader-0 of stream EVENTS: created
// consumer reader-1 of stream EVENTS: created
// consumer oracle-0 of stream EVENTS: created
// consumer oracle-1 of stream EVENTS: created
// asked: Question { answer: None }
// later: Question { answer: Some("42") }
// 1 reader.question-asked.1
// 2 oracle.question-answered.1
