//! The map as a picture.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::Map;
use super::messages::{MapMessage, PublishedBy, Publisher};
use crate::wire::role::Role;

/// The colour of compensations: one that can be seen on a light and on a dark page.
const BACK: &str = "#d1495b";

/// What the arrows and marks mean. Its nodes have names that no service has, as those are words in kebab case. Its third
/// arrow is a compensation.
const LEGEND: &str = "    subgraph legend_ [legend]
        direction LR
        from_[publisher] ==>|step| to_[subscriber]
        from_ -->|event| to_
        from_ -.->|compensation| to_
        marks_[\"… scheduled<br>✗ by a refusal<br>† by a fallback<br>↻ to itself\"]
    end
";

/// The parts of the picture, in the order in which they are written: arrows by both ends and role, with their labels,
/// and nodes that show more than a name.
#[derive(Default)]
struct Chart<'a> {
    arrows: BTreeMap<(&'a str, &'a str, Role), Vec<String>>,
    /// What services publish to themselves.
    to_itself: BTreeMap<&'a str, Vec<String>>,
    /// The messages that are nodes.
    hubs: BTreeSet<&'a str>,
}

impl Map {
    /// Returns the map as a Mermaid flowchart with a legend: services, and the messages between them. Steps are thick
    /// arrows, events thin ones, compensations dotted ones. A message is marked if it may be scheduled, published by a
    /// refusal (`Err`), or published by a fallback. One that several services publish and several receive is a node, and
    /// one that a service publishes to itself stands below its name.
    pub fn to_mermaid(&self) -> String {
        let messages = self.messages();
        let mut chart = Chart::default();
        messages.iter().for_each(|(name, message)| chart.add(name, message));
        chart.text(&self.services)
    }
}

impl<'a> Chart<'a> {
    fn add(&mut self, name: &'a str, message: &'a MapMessage) {
        let MapMessage { role, publishers, subscribers } = message;
        if publishers.len() > 1 && subscribers.len() > 1 {
            self.hubs.insert(name);
            for (service, publisher) in publishers {
                self.arrow(service, name, *role).push(marks(publisher).trim_start().to_owned());
            }
            subscribers.keys().for_each(|service| self.arrow(name, service, *role).push(String::new()));
            return;
        }
        for (service, publisher) in publishers {
            let label = format!("{name}{}", marks(publisher));
            for subscriber in subscribers.keys() {
                match subscriber == service {
                    true => self.to_itself.entry(service).or_default().push(format!("↻ {label}")),
                    false => self.arrow(service, subscriber, *role).push(label.clone()),
                }
            }
        }
    }

    fn arrow(&mut self, from: &'a str, to: &'a str, role: Role) -> &mut Vec<String> {
        self.arrows.entry((from, to, role)).or_default()
    }

    fn text(&self, services: &[&str]) -> String {
        let mut text = String::from("flowchart TB\n");
        for ((from, to, role), labels) in &self.arrows {
            let label = labels.join("<br>");
            let label = if label.is_empty() { label } else { format!("|{label}|") };
            let _ = writeln!(text, "    {from} {}{label} {to}", arrow(*role));
        }
        for hub in &self.hubs {
            let _ = writeln!(text, "    {hub}{{{{{hub}}}}}");
        }
        for (service, labels) in &self.to_itself {
            let _ = writeln!(text, "    {service}[\"{service}<br>{}\"]", labels.join("<br>"));
        }
        let connected: BTreeSet<_> = self.arrows.keys().flat_map(|(from, to, _)| [from, to]).collect();
        for service in services.iter().filter(|service| !connected.contains(service)) {
            let _ = writeln!(text, "    {service}");
        }
        let mut roles: Vec<Role> = self.arrows.keys().map(|(_, _, role)| *role).collect();
        roles.extend([Role::Step, Role::Event, Role::Compensation]); // the legend's
        let back = (0..roles.len()).filter(|index| roles[*index] == Role::Compensation).map(|index| index.to_string());
        text.push_str(LEGEND);
        if let Some(last) = services.last() {
            let _ = writeln!(text, "    {last} ~~~ legend_"); // a link that is not drawn: the legend lies below the services
        }
        let _ = writeln!(text, "    linkStyle {} stroke:{BACK}", back.collect::<Vec<_>>().join(","));
        text
    }
}

fn arrow(role: Role) -> &'static str {
    match role {
        Role::Step => "==>",
        Role::Event => "-->",
        Role::Compensation => "-.->",
    }
}

fn marks(publisher: &Publisher) -> String {
    let by = |by: PublishedBy| publisher.published_by.contains(&by);
    let marks = [(publisher.scheduled, " …"), (by(PublishedBy::Refusal), " ✗"), (by(PublishedBy::Fallback), " †")];
    marks.into_iter().filter(|(is_marked, _)| *is_marked).map(|(_, mark)| mark).collect()
}
