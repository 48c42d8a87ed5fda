//! Lists, page by page: each page says where the next one begins.

use std::fmt::Display;

use choreography::{Listed, PAGE_MAX, Page};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;

/// So many on a page if nobody says otherwise.
pub const LIMIT_DEFAULT: u32 = 20;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listing<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The next page's `cursor`; null on the last one.
    pub next: Option<String>,
}

impl<S, T: From<S>> From<Listed<S>> for Listing<T> {
    fn from(listed: Listed<S>) -> Self {
        Self { items: listed.rows.into_iter().map(T::from).collect(), next: listed.next }
    }
}

/// The page that the query's `limit` and `cursor` ask for.
///
/// # Errors
/// 400 for a limit that no page can have.
pub fn page<C: Display>(limit: Option<u32>, cursor: Option<C>) -> Result<Page, Problem> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::bad_request("invalid-query", format!("limit is 1 to {PAGE_MAX}, not {limit}")));
    }
    Ok(Page { limit, cursor: cursor.map(|cursor| cursor.to_string()) })
}
