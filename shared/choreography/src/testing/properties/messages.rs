//! The messages of a story: drawn from their types, about a few keys, and with fields that agree with what was said
//! before.

use std::any::TypeId;
use std::cell::RefCell;

use hashbrown::HashMap;
use serde_json::Value;

use super::functions::Function;
use crate::samples::{Drawing, Refused, Sample};

/// How many values of a field are remembered: the latest ones.
const REMEMBERED_MAX: usize = 3;
/// How many stories are told at once: those of two keys can get in each other's way.
const STORIES: usize = 2;

/// Draws messages.
pub(super) struct Messages {
    /// Messages that the test has handed in, by name.
    examples: HashMap<&'static str, Vec<Value>>,
    /// The JSON pointers of the messages' keys, by name.
    pointers: HashMap<&'static str, String>,
    /// The keys of the stories, by their type.
    keys: HashMap<TypeId, [Value; STORIES]>,
    refused: RefCell<Refused>,
}

/// The latest values of the fields of a story's messages, by name.
#[derive(Default)]
pub(super) struct Remembered(HashMap<String, Vec<Value>>);

impl Remembered {
    /// Remembers all fields of a payload.
    pub(super) fn note(&mut self, payload: &Value) {
        match payload {
            Value::Object(fields) => {
                for (name, value) in fields {
                    let values = self.0.entry(name.clone()).or_default();
                    values.retain(|known| known != value);
                    values.push(value.clone());
                    if values.len() > REMEMBERED_MAX {
                        values.remove(0);
                    }
                    self.note(value);
                }
            }
            Value::Array(elements) => elements.iter().for_each(|element| self.note(element)),
            _ => {}
        }
    }
}

impl Messages {
    /// Returns the messages of these functions.
    ///
    /// # Panics
    /// When one can't be drawn from its type, and there is no example of it.
    pub(super) fn of(functions: &[Function<'_>], examples: HashMap<&'static str, Vec<Value>>) -> Self {
        let (pointers, keys, refused) = (HashMap::new(), HashMap::new(), RefCell::default());
        let mut messages = Self { examples, pointers, keys, refused };
        for function in functions {
            messages.find_key(function);
        }
        messages
    }

    /// Finds out which field of a message is its key.
    fn find_key(&mut self, function: &Function<'_>) {
        let (message, sample) = (function.message, function.sample);
        let [one, other] = [[0; 64], [1; 64]].map(|choices| {
            let drawing = &mut Drawing::new(message, &choices, self.refused.get_mut());
            let first = || self.examples.get(message).and_then(|examples| examples.first()).cloned();
            let drawn = sample.draw(drawing);
            drawn.or_else(|why| first().ok_or(why)).unwrap_or_else(|why| {
                panic!("{message} can't be drawn from its type: {why}. Hand in one: `Properties::example`")
            })
        });
        let key = sample.key(&one);
        let is_key = |pointer: &String| {
            let mut changed = one.clone();
            match (changed.pointer_mut(pointer), other.pointer(pointer)) {
                (Some(place), Some(value)) if place != value => *place = value.clone(),
                _ => return false,
            }
            sample.key(&changed).is_some_and(|changed| key.as_ref() != Some(&changed))
        };
        let Some(pointer) = leaves(&one, String::new()).into_iter().find(is_key) else { return };
        let of = |value: &Value| value.pointer(&pointer).cloned().unwrap_or_default();
        self.keys.entry(sample.key_type).or_insert_with(|| [of(&one), of(&other)]);
        self.pointers.insert(message, pointer);
    }

    /// Draws a message of a story. Returns it, and its key.
    pub(super) fn draw(
        &self,
        function: &Function<'_>,
        story: usize,
        choices: &[u8],
        remembered: &Remembered,
    ) -> Option<(Value, String)> {
        let (message, sample) = (function.message, function.sample);
        let refused = &mut self.refused.borrow_mut();
        let mut drawing = Drawing::new(message, choices, refused);
        let examples = self.examples.get(message).map(Vec::as_slice).unwrap_or_default();
        let example = drawing.choose(examples.len() + 1).checked_sub(1).and_then(|index| examples.get(index));
        let mut payload = match example {
            Some(example) => example.clone(),
            None => {
                let drawn = sample.draw(&mut drawing).ok();
                let mut payload = drawn.or_else(|| examples.first().cloned())?;
                agree(&mut payload, sample, remembered, &mut drawing);
                payload
            }
        };
        let key = self.keys.get(&sample.key_type).and_then(|keys| keys.get(story));
        if let (Some(pointer), Some(key)) = (self.pointers.get(message), key) {
            let mut moved = payload.clone();
            if let Some(place) = moved.pointer_mut(pointer) {
                *place = key.clone();
            }
            payload = if sample.key(&moved).is_some() { moved } else { payload };
        }
        let key = sample.key(&payload)?;
        Some((payload, key))
    }
}

/// Gives about half of the fields the value that a field of the same name had before, where the type takes it.
fn agree(payload: &mut Value, sample: &Sample, remembered: &Remembered, drawing: &mut Drawing<'_>) {
    for pointer in members(payload, String::new()) {
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let Some(values) = remembered.0.get(name) else { continue };
        let choice = drawing.choose(2 * values.len());
        let mut agreeing = payload.clone();
        match (values.iter().rev().nth(choice), agreeing.pointer_mut(&pointer)) {
            (Some(value), Some(place)) => *place = value.clone(),
            _ => continue, // another choice, or it is in a field that was replaced
        }
        if sample.key(&agreeing).is_some() {
            *payload = agreeing;
        }
    }
}

/// Returns the pointers of all members of objects.
fn members(value: &Value, at: String) -> Vec<String> {
    let within = children(value, &at).into_iter().flat_map(|(pointer, child)| {
        let own = value.is_object().then(|| pointer.clone());
        own.into_iter().chain(members(child, pointer))
    });
    within.collect()
}

/// Returns the pointers of what has no parts.
fn leaves(value: &Value, at: String) -> Vec<String> {
    match value {
        Value::Object(_) | Value::Array(_) => {
            children(value, &at).into_iter().flat_map(|(pointer, child)| leaves(child, pointer)).collect()
        }
        _ => vec![at],
    }
}

fn children<'a>(value: &'a Value, at: &str) -> Vec<(String, &'a Value)> {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, child)| (format!("{at}/{name}"), child)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(index, child)| (format!("{at}/{index}"), child)).collect()
        }
        _ => Vec::new(),
    }
}
