//! Brings a server to a plan, and checks that it got there.

use async_nats::Client;
use serde_json::{Map, Value, json};

use super::change::{Change, Difference};
use super::error::{OLDEST_SERVER, ProvisionError};
use super::plan::Plan;
use super::resources::{ConsumerPlan, StreamPlan};
use crate::bus::jetstream::planned::object;
use crate::wire::dead_letter::EVENTS;

/// The status of an API reply about what does not exist.
const NOT_FOUND: u64 = 404;

/// The errors of a stream whose bytes exceed what its account, or the server, may store.
const NO_ROOM: [u64; 2] = [10_002, 10_047];

/// The field of a consumer that says until when it is paused.
const PAUSE: &str = "pause_until";

/// The bounds of what a stream keeps, each with what the server says that it has stored.
const BOUNDS: [(&str, &str); 2] = [("max_msgs", "messages"), ("max_bytes", "bytes")];

/// A stream or a consumer, and the requests about it.
struct Resource {
    name: String,
    planned: Map<String, Value>,
    info_subject: String,
    create_subject: String,
    update_subject: String,
    /// Ends a pause, which an update does not; none if it can't be paused.
    resume_subject: Option<String>,
    /// Returns the request to create or update it with a definition.
    request: fn(Value) -> Value,
    /// What can't be undone once it is created.
    remark: Option<&'static str>,
}

/// Brings the server to the plan: creates what is missing, and updates in place what differs. Returns what it did, one
/// change for each stream and consumer. Repeated, it changes nothing.
///
/// # Errors
/// The server is too old, can't be reached, refuses, has something that can't be updated in place, or has stored more than
/// the plan lets it keep; or a bound of the plan is none. The error names the field and what an operator can do. What comes
/// before it in the plan has been done.
pub async fn provision(client: &Client, plan: &Plan) -> Result<Vec<Change>, ProvisionError> {
    check_version(client)?;
    let resources = plan.streams.iter().map(Resource::stream).chain(plan.consumers.iter().map(Resource::consumer));
    let mut changes = Vec::new();
    for resource in resources {
        changes.push(resource.apply(client).await?);
    }
    Ok(changes)
}

fn check_version(client: &Client) -> Result<(), ProvisionError> {
    let (major, minor, patch) = OLDEST_SERVER;
    if client.is_server_compatible(major, minor, patch) {
        return Ok(());
    }
    Err(ProvisionError::ServerTooOld { version: client.server_info().version })
}

impl Resource {
    fn stream(plan: &StreamPlan) -> Self {
        Self {
            name: format!("stream {}", plan.name),
            planned: object(plan.definition()),
            info_subject: format!("$JS.API.STREAM.INFO.{}", plan.name),
            create_subject: format!("$JS.API.STREAM.CREATE.{}", plan.name),
            update_subject: format!("$JS.API.STREAM.UPDATE.{}", plan.name),
            resume_subject: None,
            request: |definition| definition,
            remark: Some("deny_delete and deny_purge can't be switched off again"),
        }
    }

    fn consumer(plan: &ConsumerPlan) -> Self {
        let name = plan.name();
        let create_subject = format!("$JS.API.CONSUMER.CREATE.{EVENTS}.{name}");
        Self {
            name: format!("consumer {name} of stream {EVENTS}"),
            planned: object(plan.definition()),
            info_subject: format!("$JS.API.CONSUMER.INFO.{EVENTS}.{name}"),
            update_subject: create_subject.clone(),
            resume_subject: Some(format!("$JS.API.CONSUMER.PAUSE.{EVENTS}.{name}")),
            create_subject,
            request: |definition| json!({ "stream_name": EVENTS, "config": definition }),
            remark: None,
        }
    }

    async fn apply(&self, client: &Client) -> Result<Change, ProvisionError> {
        let resource = self.name.clone();
        self.check_bounds()?;
        let Some(mut known) = self.read(client).await? else {
            self.create(client).await?;
            self.verify(client).await?;
            return Ok(Change::Created { resource, remark: self.remark });
        };
        let actual = object(known["config"].take());
        let differences = Difference::between(&self.planned, &actual);
        if differences.is_empty() {
            return Ok(Change::Unchanged { resource });
        }
        self.check_keeps(&known["state"], &differences)?;
        self.update(client, actual, &differences).await?;
        self.verify(client).await?;
        Ok(Change::Updated { resource, differences })
    }

    /// Returns the planned bounds, each with what the server says that it has stored.
    fn bounds(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        BOUNDS.into_iter().filter_map(|(field, stored)| Some((field, stored, self.planned.get(field)?.as_u64()?)))
    }

    /// Whether the server takes each bound as one: it takes 0 for none, and has no larger numbers.
    fn check_bounds(&self) -> Result<(), ProvisionError> {
        let is_bound = |bound| i64::try_from(bound).is_ok_and(|bound| bound > 0);
        match self.bounds().find(|(_, _, bound)| !is_bound(*bound)) {
            Some((field, _, bound)) => Err(ProvisionError::NoBound { resource: self.name.clone(), field, bound }),
            None => Ok(()),
        }
    }

    /// Whether an update keeps everything that is stored: the server deletes the oldest messages that exceed a lower bound.
    fn check_keeps(&self, state: &Value, differences: &[Difference]) -> Result<(), ProvisionError> {
        let changed =
            self.bounds().filter(|(field, ..)| differences.iter().any(|difference| difference.field == *field));
        for (field, stored, bound) in changed {
            let stored = state[stored].as_u64().unwrap_or_default();
            if stored > bound {
                return Err(ProvisionError::WouldDelete { resource: self.name.clone(), field, bound, stored });
            }
        }
        Ok(())
    }

    async fn create(&self, client: &Client) -> Result<(), ProvisionError> {
        let reply = self.send(client, &self.create_subject, self.definition(Map::new())).await?;
        match Refusal::in_reply(&reply) {
            None => Ok(()),
            Some(refusal) if refusal.is_no_room() => Err(self.no_room(refusal.reason)),
            Some(refusal) => Err(self.refused("create", refusal.reason)),
        }
    }

    async fn update(
        &self,
        client: &Client,
        actual: Map<String, Value>,
        differences: &[Difference],
    ) -> Result<(), ProvisionError> {
        let is_paused = differences.iter().any(|difference| difference.field == PAUSE);
        if let Some(resume) = self.resume_subject.as_ref().filter(|_| is_paused) {
            let reply = self.send(client, resume, json!({})).await?;
            Refusal::in_reply(&reply).map_or(Ok(()), |refusal| Err(self.refused("resume", refusal.reason)))?;
        }
        let reply = self.send(client, &self.update_subject, self.definition(actual)).await?;
        let Some(refusal) = Refusal::in_reply(&reply) else { return Ok(()) };
        if refusal.is_no_room() {
            return Err(self.no_room(refusal.reason));
        }
        let (resource, differences) = (self.name.clone(), Difference::list(differences));
        Err(ProvisionError::NotInPlace { resource, differences, reason: refusal.reason })
    }

    /// Returns the request's definition: the planned one, and the fields of `actual` that the plan leaves out.
    fn definition(&self, actual: Map<String, Value>) -> Value {
        let mut definition = actual;
        definition.extend(self.planned.clone());
        definition.retain(|_, value| !value.is_null());
        (self.request)(Value::Object(definition))
    }

    /// Reads back what the server has: it adds fields, and overrules some.
    async fn verify(&self, client: &Client) -> Result<(), ProvisionError> {
        let resource = self.name.clone();
        let Some(mut known) = self.read(client).await? else { return Err(ProvisionError::Missing { resource }) };
        let differences = Difference::between(&self.planned, &object(known["config"].take()));
        if differences.is_empty() {
            return Ok(());
        }
        Err(ProvisionError::Overruled { resource, differences: Difference::list(&differences) })
    }

    /// Returns what the server has, its definition as `config`; none if it does not exist. A consumer of a missing stream
    /// does not exist either.
    async fn read(&self, client: &Client) -> Result<Option<Value>, ProvisionError> {
        let reply = self.send(client, &self.info_subject, Value::Null).await?;
        match Refusal::in_reply(&reply) {
            Some(refusal) if refusal.status == NOT_FOUND => Ok(None),
            Some(refusal) => Err(self.refused("show", refusal.reason)),
            None => Ok(Some(reply)),
        }
    }

    async fn send(&self, client: &Client, subject: &str, request: Value) -> Result<Value, ProvisionError> {
        let (resource, subject) = (self.name.clone(), subject.to_owned());
        let payload = if request.is_null() { String::new() } else { request.to_string() };
        match client.request(subject.clone(), payload.into()).await {
            Err(source) => Err(ProvisionError::Request { resource, subject, source }),
            Ok(reply) => serde_json::from_slice(&reply.payload).map_err(|source| ProvisionError::Reply {
                resource,
                subject,
                source,
            }),
        }
    }

    fn no_room(&self, reason: String) -> ProvisionError {
        let bytes = self.planned["max_bytes"].as_u64().unwrap_or_default();
        ProvisionError::NoRoom { resource: self.name.clone(), bytes, reason }
    }

    fn refused(&self, action: &'static str, reason: String) -> ProvisionError {
        ProvisionError::Refused { resource: self.name.clone(), action, reason }
    }
}

/// An error in a reply.
struct Refusal {
    status: u64,
    code: u64,
    reason: String,
}

impl Refusal {
    /// Returns the error in a reply; none if it has none.
    fn in_reply(reply: &Value) -> Option<Self> {
        let error = reply.get("error")?;
        let number = |field: &str| error[field].as_u64().unwrap_or_default();
        let (status, code) = (number("code"), number("err_code"));
        let text = error["description"].as_str().unwrap_or("no reason given");
        Some(Self { status, code, reason: format!("{text} ({code})") })
    }

    fn is_no_room(&self) -> bool {
        NO_ROOM.contains(&self.code)
    }
}
