//! The `users` block of the server's configuration: what each service may publish and read.

use std::fmt::{self, Display, Formatter};

use super::resources::{ConsumerPlan, subjects_of};
use crate::bus::jetstream::inbox_prefix;
use crate::bus::jetstream::progress::{bucket_stream, note_subject};
use crate::wire::dead_letter::{self, DEAD_LETTERS, EVENTS};
use crate::wire::repair;

/// The users of one account of the server's configuration, as the text of its `users` block.
///
/// The user `admin` may do everything in the account; it is for provisioning and for operators. A service's user has
/// the service's name. It may publish its own messages, dead letters and repair records; write its own note of
/// progress and read all of them; read both streams; reset its own consumers and pull from them; and receive replies in
/// its own inbox. It can't create, change or delete streams and consumers, read another user's inbox, or reply to
/// requests.
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
}

impl Users {
    pub(super) fn of(services: &[String], consumers: &[ConsumerPlan]) -> Self {
        let user = |service: &String| ServiceUser {
            service: service.clone(),
            consumers: consumers.iter().filter(|own| own.service == *service).map(ConsumerPlan::name).collect(),
            follows_stories: false,
        };
        let subjects = services.iter().map(|service| subjects_of(service)).collect();
        Self { users: services.iter().map(user).collect(), subjects }
    }

    /// Lets a service follow stories live: it may subscribe to the messages of all services. Reading a story that is
    /// stored needs no such permission.
    #[must_use]
    pub fn following_stories(mut self, service: &str) -> Self {
        self.users.iter_mut().filter(|user| user.service == service).for_each(|user| user.follows_stories = true);
        self
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
        lines.retain(|line| !line.is_empty());
        lines
    }

    fn write(&self, f: &mut Formatter<'_>, subjects: &[String]) -> fmt::Result {
        let service = &self.service;
        writeln!(f, "\n  {{ user: {service}, password: ${}", password_variable(service))?;
        writeln!(f, "    permissions {{\n      publish: {{ allow: [")?;
        self.publishes().iter().try_for_each(|line| writeln!(f, "        {}", quoted(line)))?;
        writeln!(f, "      ] }}\n      subscribe: {{ allow: [")?;
        writeln!(f, "        \"{}.>\"", inbox_prefix(service))?;
        if self.follows_stories {
            writeln!(f, "        {}", quoted(subjects))?;
        }
        writeln!(f, "      ] }}\n    }} }}")
    }
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
}
