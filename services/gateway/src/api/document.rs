//! One OpenAPI document of all of `/api`: made of the documents of the services, for the routes that are public.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use super::exposed::{Access, EXPOSED, Exposed};
use crate::upstreams::Upstream;

/// The schemas that are the same in all documents.
const COMMON: [&str; 2] = ["Problem", "InvalidField"];
const SCHEMAS: &str = "#/components/schemas/";
/// What the gateway adds to every route, with its description.
const OF_GATEWAY: [(&str, &str); 3] = [
    ("429", "Too many requests of this customer, or from this address: try again after `retry-after`"),
    (
        "502",
        "The answer of a service behind the gateway is broken: try again; or it is not known whether it has executed a \
         request without `idempotency-key`",
    ),
    ("503", "A service behind the gateway does not respond, or is busy: try again after `retry-after`"),
];

/// Returns the document of everything that is public, beginning with the gateway's own routes.
pub(super) fn of_all(own: OpenApi) -> OpenApi {
    let mut document = serde_json::to_value(own).expect("a document is JSON");
    let own_paths = document["paths"].as_object_mut().into_iter().flatten();
    for (_, operation) in own_paths.filter_map(|(_, methods)| methods.as_object_mut()).flatten() {
        complete(operation, false);
    }
    let mut services = BTreeMap::new();
    for exposed in EXPOSED {
        let service = services.entry(exposed.upstream).or_insert_with(|| of_service(exposed.upstream));
        let mut operation = operation(exposed, service);
        complete(&mut operation, exposed.access == Access::Everyone);
        document["paths"][format!("/api{}", exposed.path)][method(exposed)] = operation;
    }
    for service in services.values() {
        let schemas = service["components"]["schemas"].as_object().into_iter().flatten();
        for (name, schema) in schemas {
            document["components"]["schemas"][name] = schema.clone();
        }
    }
    document["info"] = json!({
        "title": "shop",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "Everything that customers and operators of the shop can do. Errors are problems (RFC 9457).",
    });
    document["components"]["securitySchemes"]["token"] =
        json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"});
    serde_json::from_value(document).expect("documents that are merged are a document")
}

fn method(exposed: &Exposed) -> String {
    exposed.method.as_str().to_ascii_lowercase()
}

/// Returns the operation of a service's document. Its id is made unique by the service's name.
fn operation(exposed: &Exposed, service: &Value) -> Value {
    let mut operation = service["paths"][exposed.path][method(exposed)].clone();
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    operation["operationId"] = format!("{}.{id}", exposed.upstream).into();
    operation["tags"] = json!([exposed.upstream.name()]);
    match exposed.access {
        Access::Everyone => (),
        Access::Operator => describe(&mut operation, "403", "For operators"),
        Access::CustomerOfDemo => {
            describe(&mut operation, "403", "For operators, outside of a demonstration");
            describe(&mut operation, "404", "The caller is another customer");
        }
        _ => describe(&mut operation, "404", "The caller has nothing of that id"),
    }
    if exposed.access == Access::OfOrder {
        describe(&mut operation, "400", "A customer must name the order");
    }
    operation
}

fn complete(operation: &mut Value, is_public: bool) {
    OF_GATEWAY.iter().for_each(|(status, description)| describe(operation, status, description));
    describe(operation, "401", "The token does not count, or there is none");
    if !is_public {
        operation["security"] = json!([{ "token": [] }]);
    }
}

/// Adds a problem to an operation's responses if it has none of that status.
fn describe(operation: &mut Value, status: &str, description: &str) {
    let problem = json!({
        "description": description,
        "content": { "application/problem+json": { "schema": { "$ref": format!("{SCHEMAS}Problem") } } },
    });
    let responses = &mut operation["responses"];
    if responses[status].is_null() {
        responses[status] = problem;
    }
}

/// Returns the document of a service, whose schemas are named after it.
fn of_service(upstream: Upstream) -> Value {
    let router = match upstream {
        Upstream::Order => order::http::routes(),
        Upstream::Payment => payment::http::routes(),
        Upstream::Delivery => delivery::http::routes(),
        Upstream::Notify => notify::http::routes(),
        Upstream::Inventory => inventory::http::routes(),
        Upstream::Customer => customer::http::routes(),
        Upstream::Wallet => wallet::http::routes(),
    };
    let mut document = serde_json::to_value(router.into_openapi()).expect("a document is JSON");
    rename(&mut document, upstream);
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let named: Map<_, _> = schemas.into_iter().map(|(name, schema)| (named(&name, upstream), schema)).collect();
    document["components"]["schemas"] = named.into();
    document
}

/// Names the schemas that a document refers to after its service.
fn rename(value: &mut Value, upstream: Upstream) {
    match value {
        Value::Object(fields) => {
            for (field, value) in fields {
                match value.as_str().and_then(|reference| reference.strip_prefix(SCHEMAS)) {
                    Some(name) if field == "$ref" => *value = format!("{SCHEMAS}{}", named(name, upstream)).into(),
                    _ => rename(value, upstream),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, upstream)),
        _ => (),
    }
}

fn named(schema: &str, upstream: Upstream) -> String {
    if COMMON.contains(&schema) { schema.to_owned() } else { format!("{upstream}.{schema}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_public_route_is_described_and_refers_to_schemas_that_exist() {
        let document = serde_json::to_value(of_all(crate::orders::routes().into_openapi())).unwrap();
        assert!(document["paths"]["/api/orders"]["post"].is_object());
        for exposed in EXPOSED {
            let operation = &document["paths"][format!("/api{}", exposed.path)][method(exposed)];
            let described = operation["responses"].as_object().unwrap();
            assert!(described.keys().any(|status| status.starts_with('2')), "{} {}", exposed.method, exposed.path);
            assert!(["401", "429", "502", "503"].iter().all(|status| described.contains_key(*status)));
            let is_public = exposed.access == Access::Everyone;
            assert_eq!(operation["security"].is_null(), is_public, "{} {}", exposed.method, exposed.path);
        }
        let text = document.to_string();
        for reference in text.split(SCHEMAS).skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(!document["components"]["schemas"][name].is_null() || COMMON.contains(&name), "{name}");
        }
    }
}
