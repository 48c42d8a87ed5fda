//! Brings a server to a plan, and looks whether it got there.

use anyhow::{Context, Result, bail, ensure};
use async_nats::Client;
use serde_json::{Map, Value, json};

use super::plan::{ConsumerPlan, Plan, StreamPlan};

/// The oldest server that can set a consumer back, which reading relies on.
const OLDEST_SERVER: (i64, i64, i64) = (2, 14, 0);

/// The status of an API answer for what does not exist.
const NOT_FOUND: u64 = 404;

/// Something on the server, and where its API has it.
struct Thing {
    what: String,
    wanted: Map<String, Value>,
    info: String,
    create: String,
    update: String,
    /// The definition as the API takes it to create, and to update.
    requests: fn(&str, Value) -> Value,
    stream: String,
    /// What is worth knowing once it is created.
    remark: &'static str,
}

/// Brings the server to the plan: what is missing is created, what differs is updated in place. Returns a line for
/// each stream and consumer that says what was done.
///
/// # Errors
/// The server is too old, can't be reached, refuses, or has something that can't be updated in place; the error says
/// which field it is and what an operator can do. What came before it in the plan has been done.
pub async fn provision(client: &Client, plan: &Plan) -> Result<Vec<String>> {
    check_version(client)?;
    let streams = plan.streams.iter().map(Thing::stream);
    let mut lines = Vec::new();
    for thing in streams.chain(plan.consumers.iter().map(Thing::consumer)) {
        lines.push(bring(client, &thing).await.with_context(|| format!("provisioning {}", thing.what))?);
    }
    Ok(lines)
}

fn check_version(client: &Client) -> Result<()> {
    let version = client.server_info().version;
    let (major, minor, patch) = OLDEST_SERVER;
    ensure!(
        client.is_server_compatible(major, minor, patch),
        "nats-server is {version}; {major}.{minor} or newer is needed, because readers set their consumers back with \
         CONSUMER.RESET. Upgrade it (https://github.com/nats-io/nats-server/releases) and provision again."
    );
    Ok(())
}

impl Thing {
    fn stream(plan: &StreamPlan) -> Self {
        Self {
            what: format!("stream {}", plan.name),
            wanted: object(plan.definition()),
            info: format!("$JS.API.STREAM.INFO.{}", plan.name),
            create: format!("$JS.API.STREAM.CREATE.{}", plan.name),
            update: format!("$JS.API.STREAM.UPDATE.{}", plan.name),
            requests: |_, definition| definition,
            stream: plan.name.clone(),
            remark: " (deny_delete and deny_purge can't be switched off again)",
        }
    }

    fn consumer(plan: &ConsumerPlan) -> Self {
        let create = format!("$JS.API.CONSUMER.CREATE.{}.{}", plan.stream, plan.name);
        Self {
            what: format!("consumer {} of stream {}", plan.name, plan.stream),
            wanted: object(plan.definition()),
            info: format!("$JS.API.CONSUMER.INFO.{}.{}", plan.stream, plan.name),
            update: create.clone(),
            create,
            requests: |stream, definition| json!({ "stream_name": stream, "config": definition }),
            stream: plan.stream.clone(),
            remark: "",
        }
    }
}

async fn bring(client: &Client, thing: &Thing) -> Result<String> {
    let Some(actual) = read(client, thing).await? else {
        let definition =
            Value::Object(thing.wanted.clone().into_iter().filter(|(_, value)| !value.is_null()).collect());
        let answer = ask(client, &thing.create, &(thing.requests)(&thing.stream, definition)).await?;
        refusal(&answer).map_or(Ok(()), |(_, text)| bail!("the server refuses to create it: {text}"))?;
        verify(client, thing).await?;
        return Ok(format!("{}: created{}", thing.what, thing.remark));
    };
    let differing = differences(&thing.wanted, &actual);
    if differing.is_empty() {
        return Ok(format!("{}: unchanged", thing.what));
    }
    update(client, thing, actual, &differing).await?;
    verify(client, thing).await?;
    Ok(format!("{}: updated {}", thing.what, differing.join(", ")))
}

async fn update(client: &Client, thing: &Thing, actual: Map<String, Value>, differing: &[String]) -> Result<()> {
    let mut definition = actual;
    definition.extend(thing.wanted.clone());
    definition.retain(|_, value| !value.is_null());
    let answer = ask(client, &thing.update, &(thing.requests)(&thing.stream, Value::Object(definition))).await?;
    let Some((_, text)) = refusal(&answer) else { return Ok(()) };
    bail!(
        "it differs in {}, which the server can't change in place: {text}. Nothing was changed. Either take the \
         difference out of the plan, or, once you can do without what it holds, delete it by hand (`nats stream rm` \
         or `nats consumer rm`) and provision again",
        differing.join(", ")
    )
}

/// Reads back what the server really has: it fills in, and sometimes overrules.
async fn verify(client: &Client, thing: &Thing) -> Result<()> {
    let actual = read(client, thing).await?.context("it is missing right after it was made")?;
    let differing = differences(&thing.wanted, &actual);
    ensure!(differing.is_empty(), "the server accepted it, but has it otherwise: {}", differing.join(", "));
    Ok(())
}

async fn read(client: &Client, thing: &Thing) -> Result<Option<Map<String, Value>>> {
    let mut answer = ask(client, &thing.info, &Value::Null).await?;
    match refusal(&answer) {
        // A consumer whose stream is missing is missing too: creating it says which stream that is.
        Some((NOT_FOUND, _)) => Ok(None),
        Some((_, text)) => bail!("the server refuses to show it: {text}"),
        None => Ok(Some(object(answer["config"].take()))),
    }
}

async fn ask(client: &Client, subject: &str, request: &Value) -> Result<Value> {
    let payload = if request.is_null() { String::new() } else { request.to_string() };
    let answer = client.request(subject.to_owned(), payload.into()).await;
    let answer = answer.with_context(|| format!("asking {subject} (is JetStream on, and may this user do it?)"))?;
    serde_json::from_slice(&answer.payload).with_context(|| format!("reading the answer to {subject}"))
}

fn refusal(answer: &Value) -> Option<(u64, String)> {
    let error = answer.get("error")?;
    let text = error["description"].as_str().unwrap_or("no reason given");
    Some((error["code"].as_u64().unwrap_or(0), format!("{text} ({})", error["err_code"])))
}

/// The fields that the server has otherwise, with both values. What it leaves out is off.
fn differences(wanted: &Map<String, Value>, actual: &Map<String, Value>) -> Vec<String> {
    let differs = |(name, wanted): (&String, &Value)| {
        let actual = normal(actual.get(name).unwrap_or(&Value::Null));
        let wanted = normal(wanted);
        (actual != wanted).then(|| format!("{name} (is {actual}, should be {wanted})"))
    };
    wanted.iter().filter_map(differs).collect()
}

/// Lists are sets; no value, false, zero and nothing in it are the same.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(items) if !items.is_empty() => {
            let mut items = items.clone();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        Value::Array(_) | Value::Bool(false) => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Number(number) if number.as_u64() == Some(0) => Value::Null,
        other => other.clone(),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
