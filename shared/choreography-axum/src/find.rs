//! One row, or a 404.

use std::fmt::Display;

use choreography::{Column, Row, Service};

use crate::Problem;

/// Returns the row whose column has this value. `noun` is what the row is called in the problem.
///
/// ```
/// # use choreography::{Column, Row, Service};
/// # use choreography_axum::{Problem, find};
/// # use uuid::Uuid;
/// async fn payment<R: Row>(service: &Service, column: Column<R, Uuid>, id: Uuid) -> Result<R, Problem> {
///     find(service, column, &id, "payment").await // 404: there is no payment 0192f0c1-…
/// }
/// ```
///
/// # Errors
/// 404 if there is none, 503 if the database fails.
pub async fn find<R: Row, V: Display>(
    service: &Service,
    column: Column<R, V>,
    value: &V,
    noun: &str,
) -> Result<R, Problem> {
    let row = service.one(column, value).await?;
    row.ok_or_else(|| Problem::not_found(format!("there is no {noun} {value}")))
}
