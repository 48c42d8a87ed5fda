//! The `users` block of the server's configuration: what each service may publish and read.

use std::fmt::{self, Display, Formatter};

use super::resources::{ConsumerPlan, subjects_of};
use crate::bus::jetstream::inbox_prefix;
use crate::bus::jetstream::progress::{bucket_stream, note_subject};
use crate::wire::dead_letter::{self, DEAD_LETTERS, EVENTS};
use crate::wire::repair;

/// How long after a request its reply may be sent: longer than anybody waits for it.
const REPLY_SECONDS_MAX: u32 = 30;

/// The users of one account of the server's configuration, as the text of its `users` block.
///
/// The user `admin` may do everything in the account; it is for provisioning and for operators. A service's user has
/// the service's name. It may publish its own messages, dead letters and repair records; write its own note of
/// progress and read all of them; read both streams; reset its own consumers and pull from them; and receive replies in
/// its own inbox. It can't create, change or delete streams and consumers, read another user's inbox, or reply to
/// requests; [`replying`](Self::replying) and [`requesting`](Self::requesting) make exceptions.
///
/// Passwords are variables of the environment: `$ADMIN_PASSWORD`, and `$<SERVICE>_PASSWORD` for each service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Users {
    users: Vec<ServiceUser>,
    /// The subjects of all messages of all services.
    subjects: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct ServiceUser {
    service: String,
    consumers: Vec<String>,
    follows_stories: bool,
    /// The subjects of the requests that the service replies to.
    replies_to: Vec<String>,
    /// The subjects of the requests that it sends.
    requests: Vec<String>,
}

impl Users {
    pub(super) fn of(services: &[String], consumers: &[ConsumerPlan]) -> Self {
        let user = |service: &String| ServiceUser {
            service: service.clone(),
            consumers: consumers.iter().filter(|own| own.service == *service).map(ConsumerPlan::name).collect(),
            follows_stories: false,
            replies_to: Vec::new(),
            requests: Vec::new(),
        };
        let subjects = services.iter().map(|service| subjects_of(service)).collect();
        Self { users: services.iter().map(user).collect(), subjects }
    }

    /// Lets a service follow stories live: it may subscribe to the messages of all services. Reading a story that is
    /// stored needs no such permission.
    #[must_use]
    pub fn following_stories(mut self, service: &str) -> Self {
        self.users_of(service).for_each(|user| user.follows_stories = true);
        self
    }

    /// Lets a service reply to requests with this subject, once to each, and to those of the server's service API
    /// (`nats service`).
    #[must_use]
    pub fn replying(mut self, service: &str, subject: &str) -> Self {
        self.users_of(service).for_each(|user| user.replies_to.push(subject.to_owned()));
        self
    }

    /// Lets a service send requests with this subject.
    #[must_use]
    pub fn requesting(mut self, service: &str, subject: &str) -> Self {
        self.users_of(service).for_each(|user| user.requests.push(subject.to_owned()));
        self
    }

    fn users_of(&mut self, service: &str) -> impl Iterator<Item = &mut ServiceUser> {
        self.users.iter_mut().filter(move |user| user.service == service)
    }
}

impl ServiceUser {
    /// Returns the subjects that the service may publish to, one line for each group.
    fn publishes(&self) -> Vec<Vec<String>> {
        let service = &self.service;
        let mut lines = vec![
            vec![subjects_of(service), dead_letter::filter(service, "*", None), repair::records_of(service)],
            vec![note_subject(service), format!("$JS.API.STREAM.MSG.GET.{}", bucket_stream())],
            [EVENTS, DEAD_LETTERS].map(|stream| format!("$JS.API.STREAM.INFO.{stream}")).into(),
            [EVENTS, DEAD_LETTERS].map(|stream| format!("$JS.API.STREAM.MSG.GET.{stream}")).into(),
            [EVENTS, DEAD_LETTERS].map(|stream| format!("$JS.API.DIRECT.GET.{stream}")).into(),
            vec![format!("$JS.API.CONSUMER.LIST.{EVENTS}")],
        ];
        lines.extend(["INFO", "MSG.NEXT", "RESET"].map(|request| {
            let subject = |consumer: &String| format!("$JS.API.CONSUMER.{request}.{EVENTS}.{consumer}");
            self.consumers.iter().map(subject).collect()
        }));
        lines.push(self.requests.clone());
        lines.retain(|line| !line.is_empty());
        lines
    }

    /// Returns the subjects that the service may subscribe to, one line for each group.
    fn subscribes(&self, subjects: &[String]) -> Vec<Vec<String>> {
        let service = &self.service;
        let mut lines = vec![vec![format!("{}.>", inbox_prefix(service))]];
        if self.follows_stories {
            lines.push(subjects.to_vec());
        }
        if !self.replies_to.is_empty() {
            lines.push(self.replies_to.clone());
            lines.push(["*".to_owned(), format!("*.{service}"), format!("*.{service}.*")].map(service_api).into());
        }
        lines
    }

    fn write(&self, f: &mut Formatter<'_>, subjects: &[String]) -> fmt::Result {
        let service = &self.service;
        writeln!(f, "\n  {{ user: {service}, password: ${}", password_variable(service))?;
        writeln!(f, "    permissions {{\n      publish: {{ allow: [")?;
        self.publishes().iter().try_for_each(|line| writeln!(f, "        {}", quoted(line)))?;
        writeln!(f, "      ] }}\n      subscribe: {{ allow: [")?;
        self.subscribes(subjects).iter().try_for_each(|line| writeln!(f, "        {}", quoted(line)))?;
        writeln!(f, "      ] }}")?;
        if !self.replies_to.is_empty() {
            writeln!(f, "      allow_responses: {{ max: 1, expires: \"{REPLY_SECONDS_MAX}s\" }}")?;
        }
        writeln!(f, "    }} }}")
    }
}

/// Returns a subject of the server's service API: `$SRV.PING`, `$SRV.PING.<service>` and `$SRV.PING.<service>.<id>`,
/// each also for `INFO` and `STATS`.
fn service_api(rest: String) -> String {
    format!("$SRV.{rest}")
}

/// Returns the name of the variable of a service's password: letters, digits and `_`.
fn password_variable(service: &str) -> String {
    let characters = service.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' });
    format!("{}_PASSWORD", characters.collect::<String>().to_ascii_uppercase())
}

fn quoted(subjects: &[String]) -> String {
    subjects.iter().map(|subject| format!("{subject:?}")).collect::<Vec<_>>().join(", ")
}

impl Display for Users {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "users: [")?;
        writeln!(
            f,
            "  {{ user: admin, password: $ADMIN_PASSWORD }}   # provisioning and operators: everything in this account"
        )?;
        self.users.iter().try_for_each(|user| user.write(f, &self.subjects))?;
        writeln!(f, "]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(services: &[&str]) -> Users {
        let services: Vec<String> = services.iter().map(|service| (*service).to_owned()).collect();
        Users::of(&services, &[])
    }

    #[test]
    fn service_publishes_and_reads_what_is_its_own() {
        let text = users(&["gift-card", "order"]).to_string();
        let user = text.split("{ user: ").find(|user| user.starts_with("gift-card,")).unwrap();
        for line in
            ["password: $GIFT_CARD_PASSWORD", r#""gift-card.*.*", "dead.gift-card.*.>""#, r#""_INBOX_gift-card.>""#]
        {
            assert!(user.contains(line), "{line}: {user}");
        }
        assert!(!user.contains("order"), "{user}");
    }

    #[test]
    fn only_a_service_that_follows_stories_subscribes_to_the_messages_of_others() {
        let text = users(&["order", "payment"]).following_stories("order").to_string();
        assert_eq!(text.matches(r#""order.*.*", "payment.*.*""#).count(), 1, "{text}");
    }

    #[test]
    fn only_a_service_that_replies_to_requests_publishes_replies() {
        let text = users(&["customer", "notify"]).replying("customer", "customer.contact");
        let text = text.requesting("notify", "customer.contact").to_string();
        let users: Vec<&str> = text.split("{ user: ").collect();
        let [_, _, customer, notify] = users.as_slice() else { panic!("{text}") };
        let subscribes = |user: &str| user.split("subscribe:").nth(1).unwrap().to_owned();
        for line in ["\"customer.contact\"", r#""$SRV.*", "$SRV.*.customer", "$SRV.*.customer.*""#, "allow_responses"] {
            assert!(subscribes(customer).contains(line), "{line}: {customer}");
            assert!(!subscribes(notify).contains(line), "{line}: {notify}");
        }
        assert!(notify.split("subscribe:").next().unwrap().contains("\"customer.contact\""), "{notify}");
    }
}
