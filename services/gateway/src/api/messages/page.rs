//! The page: the services with what they publish and receive, the messages with their fields, and the types in them.

use std::collections::BTreeSet;

use maud::{Markup, html};

use super::DOCUMENT;
use super::document::{Document, Message, Operation};
use super::fields::{fields, prose};

/// The roles, with what they mean.
const ROLES: [(&str, &str); 3] = [
    ("step", "asks for something to be done, and expires."),
    ("event", "states a fact, and never expires."),
    ("compensation", "takes something back, and never expires."),
];

/// Returns the main part of the page.
pub(super) fn main(document: &Document) -> Markup {
    let types = document.components.schemas.iter().filter(|(name, _)| !is_payload(document, name));
    html! {
        div.head {
            h1 { "Messages between the services" }
            p.lead {
                "The services of the shop work together by messages alone. This page is made from the "
                a href=(DOCUMENT) { "AsyncAPI document" } ", and that from the code. Requests are described on "
                a href="/api/docs" { "another page" } "."
            }
            p.actions {
                a href="#services" { "Services" } a href="#messages" { "Messages" } a href="#types" { "Types" }
            }
            dl.fields { @for (role, meaning) in ROLES { div {
                dt { (pill(role)) }
                dd { (meaning) }
            } } }
        }
        div.stack.parts {
            h2 #services { "Services" }
            ul.services { @for service in document.services() { (service_card(document, service)) } }
            h2 #messages { "Messages" }
            @for message in document.components.messages.values() { (message_card(document, message)) }
            h2 #types { "Types" }
            @for (name, schema) in types {
                section.card.stack id=(format!("type-{name}")) {
                    h3 { (name) }
                    @if let Some(description) = schema["description"].as_str() { p { (prose(description)) } }
                    (fields(schema))
                }
            }
        }
    }
}

fn is_payload(document: &Document, schema: &str) -> bool {
    document.components.messages.values().any(|message| message.payload.last() == schema)
}

fn service_card(document: &Document, service: &str) -> Markup {
    html! {
        li.card.stack {
            h3 { (service) }
            dl.fields {
                (messages("receives", &document.received_by(service)))
                (messages("publishes", &document.published_by(service)))
            }
        }
    }
}

fn messages(verb: &str, names: &BTreeSet<&str>) -> Markup {
    html! { div {
        dt { (verb) }
        dd {
            @if names.is_empty() { "nothing" }
            @for (index, name) in names.iter().enumerate() {
                @if index > 0 { ", " }
                a href=(format!("#{name}")) { (name) }
            }
        }
    } }
}

fn message_card(document: &Document, message: &Message) -> Markup {
    let publishers = document.publishers(&message.name);
    html! {
        section.card.stack id=(message.name) {
            div.actions {
                h3 { (message.name) }
                (pill(&message.role))
                @if message.is_scheduled { span.status { "scheduled" } }
                @if message.version > 1 { span.hint { "version " (message.version) } }
            }
            p { (prose(&message.summary)) }
            div.columns {
                dl.fields {
                    @for publisher in &publishers { div {
                        dt { (publisher.service) " publishes it" }
                        dd { (how(publisher)) ": " code { (publisher.service) "." (message.name) "." i { "order id" } } }
                    } }
                    @for subscriber in document.subscribers(&message.name) { div {
                        dt { (subscriber.service) " receives it" }
                        dd { (how(subscriber)) }
                    } }
                }
                div.stack {
                    h4 { "Fields" }
                    (fields(&document.components.schemas[message.payload.last()]))
                }
            }
        }
    }
}

/// Returns with which functions a service publishes or receives a message.
fn how(operation: &Operation) -> String {
    let published = operation.published_by.iter().map(|by| match by.as_str() {
        "refusal" => "as a refusal",
        "fallback" => "when a message has died",
        _ => "when it has done something",
    });
    let received = operation.received_by.iter().map(|by| match by.as_str() {
        "compensation" => "takes back what it did",
        "effect" => "acts on the outside world",
        _ => "changes its own data",
    });
    let fallback = operation.has_fallback.then_some("has a fallback if the message dies");
    published.chain(received).chain(fallback).collect::<Vec<_>>().join(", or ").replace(", or has", ", and has")
}

fn pill(role: &str) -> Markup {
    let class = match role {
        "step" => "going",
        "compensation" => "warn",
        _ => "good",
    };
    html! { span.status.(class) { (role) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_shows_every_message_and_every_type_that_it_refers_to() {
        let document = Document::read(&crate::asyncapi());
        assert!(document.components.messages.len() > 15, "{:?}", document.components.messages.keys());
        let page = main(&document).into_string();
        for link in page.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap_or_default()) {
            assert!(page.contains(&format!("id=\"{link}\"")), "nothing is at #{link}");
        }
        for message in document.components.messages.values() {
            assert!(page.contains(&format!("id=\"{}\"", message.name)), "{}", message.name);
        }
    }

    #[test]
    fn an_operation_is_described_in_words() {
        let document = Document::read(&crate::asyncapi());
        let of = |service: &str, operations: Vec<&Operation>| {
            how(operations.iter().find(|operation| operation.service == service).unwrap())
        };
        assert_eq!(of("payment", document.publishers("order-confirmed")), "when it has done something");
        let refund = document.publishers("refund-wallet");
        assert_eq!(of("payment", refund), "when it has done something, or when a message has died");
        let confirmed = document.subscribers("order-confirmed");
        assert_eq!(of("order", confirmed), "changes its own data, and has a fallback if the message dies");
        let updated = document.subscribers("order-updated");
        assert_eq!(of("notify", updated), "acts on the outside world, or changes its own data");
    }
}
