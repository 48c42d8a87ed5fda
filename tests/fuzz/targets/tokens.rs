//! Tokens and key sets: a token that is changed in any place does not count, and a key set is read or refused.

use std::fs;

use choreography::Clock;
use contracts::CustomerId;
use gateway::identity::{Identity, Role};
use gateway::tokens::{KeySource, TokenSettings, Tokens};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

use crate::bytes::Bytes;
use crate::json::json as nearly;
use crate::target::{Case, Started};
use crate::text::text;

const CUSTOMER: &str = "0198c0de-0000-7000-8000-000000000001";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn settings(token_keys: Option<KeySource>) -> TokenSettings {
    TokenSettings { token_keys, token_issuer: "https://issuer".to_owned(), token_audience: "shop".to_owned() }
}

/// Returns what verifies tokens of the development key, and one of them.
fn development(runtime: &Runtime) -> (Tokens, String) {
    let tokens = runtime.block_on(Tokens::start(settings(None))).expect("the development key is there");
    let customer_id: CustomerId = CUSTOMER.parse().expect("an id");
    let token = tokens.issue(Identity { customer_id, role: Role::Customer }, Clock::system().now());
    (tokens, token.expect("the development key signs"))
}

/// A token counts only as it was signed.
pub(crate) fn token() -> Box<dyn Started> {
    let runtime = runtime();
    let (_, token) = development(&runtime);
    Case::of(
        move |draw| match draw.below(3) {
            0 => text(&token, draw),
            1 => {
                let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
                let at = draw.below(parts.len());
                parts[at] = text(&parts[at], draw);
                parts.join(".")
            }
            _ => String::from_utf8_lossy(&Bytes::near(token.as_bytes(), draw)).into_owned(),
        },
        || {
            let runtime = self::runtime();
            let (tokens, _) = development(&runtime);
            let signed: std::cell::RefCell<Option<String>> = std::cell::RefCell::default();
            Box::new(move |token: &String| {
                if runtime.block_on(tokens.verify(token)).is_ok() {
                    // There is one token only, so all that count are the same.
                    let known = signed.borrow_mut().get_or_insert_with(|| token.clone()).clone();
                    assert_eq!(&known, token);
                }
            })
        },
    )
}

/// A key of each type.
const KEY_SET: &str = include_str!("key_set.json");

/// A key set is read or refused.
pub(crate) fn keys() -> Box<dyn Started> {
    let example: Value = serde_json::from_str(KEY_SET).expect("it is JSON");
    Case::of(
        move |draw| nearly(&example, draw),
        || {
            let (runtime, directory) = (self::runtime(), TempDir::new().expect("a directory"));
            Box::new(move |set: &Bytes| {
                let path = directory.path().join("keys.json");
                fs::write(&path, &**set).expect("a file can be written");
                let started = runtime.block_on(Tokens::start(settings(Some(KeySource::File(path)))));
                if let Err(error) = started {
                    assert!(!error.to_string().is_empty());
                }
            })
        },
    )
}
