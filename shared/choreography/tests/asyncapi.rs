//! The AsyncAPI document of a small choreography: a kitchen cooks what a waiter orders.

#![allow(clippy::unwrap_used, reason = "tests")]

use choreography::{
    AmbiguousSchema, AsyncApiInfo, Choreography, Command, Dead, Map, Message, Rejected, Row, Scheduled,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// A dish of the menu.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
struct Dish {
    /// As the guest reads it.
    name: String,
}

/// To the kitchen: cook this.
#[derive(Clone, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "cook", key = table, role = step)]
struct Cook {
    table: u32,
    dishes: Vec<Dish>,
}

/// Nobody described this one.
#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "look-again", key = 0, role = event)]
struct LookAgain(u32);

#[derive(Clone, Serialize, Deserialize, ToSchema, Message)]
#[message(name = "sold-out", key = table, role = compensation, version = 2, before = SoldOutV1)]
struct SoldOut {
    table: u32,
    reason: Option<String>,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "sold-out", key = table, role = compensation)]
struct SoldOutV1 {
    table: u32,
}

impl From<SoldOutV1> for SoldOut {
    fn from(before: SoldOutV1) -> Self {
        Self { table: before.table, reason: None }
    }
}

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "order", key = 0, row = Table)]
struct Order(u32);

#[derive(Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "guests", key = u32)]
struct Table;

#[derive(Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "pot", key = u32)]
struct Pot;

fn order(command: &Order, _: &mut Option<Table>) -> Result<Cook, Rejected> {
    Ok(Cook { table: command.0, dishes: Vec::new() })
}
fn cook(_: &Cook, _: &mut Option<Pot>) -> Result<Option<Scheduled<LookAgain>>, SoldOut> {
    Ok(None)
}
fn burnt(dead: &Dead<Cook>, _: &mut Option<Pot>) -> SoldOut {
    SoldOut { table: *dead.key(), reason: None }
}
fn look(_: &LookAgain, _: &mut Option<Pot>) {}
fn apologise(_: &SoldOut, _: &mut Option<Table>) {}

fn restaurant() -> [Choreography; 2] {
    let hall = Choreography::new("hall").command(order).compensate(apologise);
    [hall, Choreography::new("kitchen").on(cook).fallback(burnt).on(look)]
}

const INFO: AsyncApiInfo<'_> = AsyncApiInfo { title: "Restaurant", version: "1.2.0", namespace: "inn" };

fn document() -> Value {
    serde_json::from_str(&Map::of(&restaurant()).to_asyncapi(&INFO).unwrap()).unwrap()
}

#[test]
fn a_channel_is_a_subject_with_the_key_as_its_parameter() {
    let channel = &document()["channels"]["hall.cook"];
    assert_eq!(channel["address"], "hall.cook.{key}");
    assert_eq!(channel["parameters"]["key"]["location"], "$message.header#/ce-subject");
    assert_eq!(channel["messages"], json!({"cook.v1": {"$ref": "#/components/messages/cook.v1"}}));
}

#[test]
fn an_operation_says_which_service_does_what_and_how() {
    let document = document();
    let send = &document["operations"]["kitchen.send.sold-out"];
    assert_eq!((&send["action"], &send["x-service"]), (&json!("send"), &json!("kitchen")));
    assert_eq!(send["channel"]["$ref"], "#/channels/kitchen.sold-out");
    assert_eq!(send["x-published-by"], json!(["refusal", "fallback"]));
    let receive = &document["operations"]["hall.receive.kitchen.sold-out"];
    assert_eq!((&receive["action"], &receive["x-service"]), (&json!("receive"), &json!("hall")));
    assert_eq!(receive["x-received-by"], json!(["compensation"]));
    assert_eq!(receive["x-versions"], json!([1, 2]));
    assert_eq!(receive["messages"], json!([{"$ref": "#/channels/kitchen.sold-out/messages/sold-out.v2"}]));
    assert_eq!(document["operations"]["kitchen.receive.hall.cook"]["x-has-fallback"], true);
}

#[test]
fn a_message_has_its_role_its_headers_and_the_schema_of_its_type() {
    let document = document();
    let cook = &document["components"]["messages"]["cook.v1"];
    assert_eq!(cook["summary"], "To the kitchen: cook this.");
    assert_eq!((&cook["x-role"], &cook["x-expires"]), (&json!("step"), &json!(true)));
    assert_eq!(cook["headers"]["properties"]["ce-type"]["const"], "inn.cook.v1");
    assert_eq!(cook["payload"]["$ref"], "#/components/schemas/Cook");
    let schemas = &document["components"]["schemas"];
    assert_eq!(schemas["Cook"]["properties"]["dishes"]["items"]["$ref"], "#/components/schemas/Dish");
    assert_eq!(schemas["Dish"]["properties"]["name"]["description"], "As the guest reads it.");
    assert_eq!(document["components"]["messages"]["sold-out.v2"]["x-version"], 2);
}

#[test]
fn a_message_that_is_not_described_has_no_payload() {
    let look_again = &document()["components"]["messages"]["look-again.v1"];
    assert_eq!((&look_again["x-scheduled"], look_again.get("payload")), (&json!(true), None));
    assert_eq!(look_again["summary"], "look-again");
}

#[test]
fn two_different_types_of_one_name_are_an_error() {
    mod other {
        use super::*;

        #[derive(Clone, Serialize, Deserialize, ToSchema)]
        pub(super) struct Dish {
            pub price: u32,
        }

        #[derive(Clone, Serialize, Deserialize, ToSchema, Message)]
        #[message(name = "bill", key = table, role = event)]
        pub(super) struct Bill {
            pub table: u32,
            pub dish: Dish,
        }
    }
    fn pay(command: &Order, _: &mut Option<Table>) -> Result<other::Bill, Rejected> {
        Ok(other::Bill { table: command.0, dish: other::Dish { price: 1 } })
    }
    let [_, kitchen] = restaurant();
    let error = Map::of(&[Choreography::new("hall").command(pay), kitchen]).to_asyncapi(&INFO).unwrap_err();
    assert_eq!(error, AmbiguousSchema { name: "Dish".to_owned() });
    assert!(error.to_string().ends_with("name one of them with `#[schema(as = …)]`"), "{error}");
}
