//! Lists, page by page: each page has the cursor of the next one.

use std::fmt::Display;
use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use choreography::{Listed, PAGE_MAX, Page};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use crate::Problem;
use crate::path_and_query::invalid_query;

/// How many items a page has without a `limit`.
pub const LIMIT_DEFAULT: u32 = 20;

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Listing<T> {
    /// The items on this page.
    pub items: Vec<T>,
    /// The next page's `cursor`; null on the last page.
    pub next: Option<String>,
    /// How many items are left out because they can't be read; absent if none is.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub unreadable: usize,
}

fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl<R, T: From<R>> From<Listed<R>> for Listing<T> {
    fn from(listed: Listed<R>) -> Self {
        Self { items: listed.rows.into_iter().map(T::from).collect(), next: listed.next, unreadable: listed.unreadable }
    }
}

/// The parameters by which a list is paged, for an operation's `params(..)`. `C` is the type of the rows' keys. Handlers
/// read them with [`Paged`].
#[derive(Debug, Clone, Copy)]
pub struct Paging<C>(PhantomData<C>);

impl<C: ToSchema> IntoParams for Paging<C> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(PAGE_MAX));
        let about_limit = "The largest number of items on the page; 20 by default.";
        vec![
            parameter("limit", about_limit, limit.build().into()),
            parameter("cursor", "The `next` of the previous page.", C::schema()),
        ]
    }
}

fn parameter(name: &str, description: &str, schema: RefOr<Schema>) -> Parameter {
    let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query).required(Required::False);
    parameter.description(Some(description)).schema(Some(schema)).build()
}

/// The parameters of a list's query: which rows, and which page of them.
///
/// `F` is what filters the list, `()` for a list without filters. `C` is the type of the rows' keys, in which cursors
/// are written. A limit that no page can have, a cursor that is no key, and a parameter
/// that `F` refuses are 400. In `/openapi.json` they are described by `params(Filter, Paging::<Key>)`.
///
/// ```
/// # use axum::extract::State;
/// # use choreography::Service;
/// # use choreography_axum::{Json, Listing, Paged, Paging, Problem};
/// # use serde::{Deserialize, Serialize};
/// # use uuid::Uuid;
/// # #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, choreography::Row, utoipa::ToSchema)]
/// # #[row(table = "payment", key = Uuid)]
/// # struct Payment { order_id: Uuid }
/// # impl Payment { const ORDER: choreography::Column<Self, Uuid> = choreography::Column::new("key"); }
/// #[derive(Deserialize, utoipa::IntoParams)]
/// #[into_params(parameter_in = Query)]
/// #[serde(deny_unknown_fields)]
/// struct Filter {
///     order_id: Option<Uuid>,
/// }
///
/// #[utoipa::path(get, path = "/payments", params(Filter, Paging::<String>), responses((status = 200, body = Listing<Payment>)))]
/// async fn list_payments(
///     State(service): State<Service>,
///     Paged { filter, page, .. }: Paged<Filter, Uuid>,
/// ) -> Result<Json<Listing<Payment>>, Problem> {
///     let mut payments = service.list::<Payment>(page).descending();
///     if let Some(order_id) = filter.order_id {
///         payments = payments.with(Payment::ORDER, &order_id);
///     }
///     Ok(Json(payments.get().await?.into()))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Paged<F, C> {
    /// The other parameters of the query.
    pub filter: F,
    /// The page that `limit` and `cursor` choose.
    pub page: Page,
    key: PhantomData<fn() -> C>,
}

impl<S, F, C> FromRequestParts<S> for Paged<F, C>
where
    S: Send + Sync,
    F: DeserializeOwned,
    C: DeserializeOwned + Display,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let (paging, filter): (Vec<&str>, Vec<&str>) = query.split('&').partition(|parameter| is_paging(parameter));
        let page = page(read::<Parameters<C>>(&paging)?)?;
        let filter = read(&filter).map_err(|mut problem| {
            problem.detail += " (every list takes `limit` and `cursor` too)";
            problem
        })?;
        Ok(Self { filter, page, key: PhantomData })
    }
}

fn is_paging(parameter: &str) -> bool {
    matches!(parameter.split('=').next(), Some("limit" | "cursor"))
}

/// Reads some parameters of a query.
fn read<T: DeserializeOwned>(parameters: &[&str]) -> Result<T, Problem> {
    let part = format!("/?{}", parameters.join("&")).parse::<Uri>();
    let part = part.map_err(|error| Problem::bad_request("invalid-query", error.to_string()))?;
    let read = axum::extract::Query::<T>::try_from_uri(&part);
    read.map(|read| read.0).map_err(|rejection| invalid_query(&rejection))
}

/// [`Paging`] with a cursor that must be a key.
#[derive(Deserialize)]
struct Parameters<C> {
    limit: Option<u32>,
    cursor: Option<C>,
}

/// Returns the page that a query chooses; a limit that no page can have is a 400.
fn page<C: Display>(paging: Parameters<C>) -> Result<Page, Problem> {
    let limit = paging.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=PAGE_MAX).contains(&limit) {
        return Err(Problem::bad_request("invalid-query", format!("limit is 1 to {PAGE_MAX}, not {limit}")));
    }
    Ok(Page { limit, cursor: paging.cursor.map(|cursor| cursor.to_string()) })
}
