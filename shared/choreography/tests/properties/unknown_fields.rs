//! Rows that keep the fields of a newer version.

use std::collections::BTreeMap;

use choreography::testing::check_properties;
use choreography::{Choreography, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clinic::{BookVisit, PatientCame, RemindPatient};

#[test]
fn an_enum_may_keep_what_it_does_not_know_by_itself() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "visit", key = u32)]
    enum Visit {
        Booked {
            rooms: Vec<String>,
            #[serde(flatten)]
            rest: BTreeMap<String, Value>,
        },
        Over {
            #[serde(flatten)]
            rest: BTreeMap<String, Value>,
        },
    }
    fn book(message: &BookVisit, visit: &mut Option<Visit>) -> Option<RemindPatient> {
        if visit.is_some() {
            return None;
        }
        *visit = Some(Visit::Booked { rooms: message.rooms.clone(), rest: BTreeMap::new() });
        Some(RemindPatient { visit: message.visit })
    }
    fn end(_: &PatientCame, visit: &mut Visit) {
        if let Visit::Booked { rest, .. } = visit {
            *visit = Visit::Over { rest: std::mem::take(rest) };
        }
    }
    check_properties(Choreography::new("clinic").on(book).on(end));
}

#[test]
fn a_struct_with_an_enum_in_a_field_keeps_what_it_does_not_know() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum State {
        Booked { rooms: Vec<String> },
        Over,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
    #[row(table = "visit", key = u32)]
    struct Visit {
        state: State,
    }
    fn book(message: &BookVisit, visit: &mut Option<Visit>) -> Option<RemindPatient> {
        if visit.is_some() {
            return None;
        }
        *visit = Some(Visit { state: State::Booked { rooms: message.rooms.clone() } });
        Some(RemindPatient { visit: message.visit })
    }
    fn end(_: &PatientCame, visit: &mut Visit) {
        visit.state = State::Over;
    }
    check_properties(Choreography::new("clinic").on(book).on(end));
}
