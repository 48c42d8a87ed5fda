//! Inventory over HTTP: the catalogue, and how much is there.

use choreography::Service;
use choreography_axum::{Caller, Json, Listing, Path, Problem, Query, Wrong, page};
use contracts::{Money, Sku};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::catalogue::{AdjustStock, PutProduct};
use crate::stock::{PIECES_MAX, Stock};

/// The longest name of a product, in characters: a line of a page.
const NAME_LENGTH_MAX: usize = 200;

/// Everything that can be asked.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list_products))
        .routes(routes!(get_product, put_product))
        .routes(routes!(adjust_stock))
}

/// A product, and how many pieces there are.
#[derive(Debug, Serialize, ToSchema)]
struct Product {
    sku: Sku,
    name: String,
    price: Money,
    /// Pieces on the shelf.
    stock: u64,
    /// Those of them that are held for orders.
    held: u64,
    /// Those that can still be ordered.
    available: u64,
}

impl From<Stock> for Product {
    fn from(stock: Stock) -> Self {
        let available = stock.available();
        let Stock { sku, name, price, on_shelf, held } = stock;
        Self { sku, name, price, stock: on_shelf, held, available }
    }
}

/// A product as it should be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// What it is called.
    name: String,
    /// What one piece costs from now on.
    price: Money,
    /// Pieces on the shelf, those that are held among them.
    stock: u64,
}

impl Wanted {
    fn check(&self) -> Result<(), Problem> {
        let mut wrong = Vec::new();
        if self.name.trim().is_empty() || self.name.chars().count() > NAME_LENGTH_MAX {
            wrong.push(Wrong::at("/name", format!("a name has 1 to {NAME_LENGTH_MAX} characters")));
        }
        if self.price.amount_cents < 1 {
            wrong.push(Wrong::at("/price/amount_cents", "a piece costs at least 1"));
        }
        if self.stock > PIECES_MAX {
            wrong.push(Wrong::at("/stock", format!("at most {PIECES_MAX} pieces fit")));
        }
        if wrong.is_empty() { Ok(()) } else { Err(Problem::invalid(wrong)) }
    }
}

/// Pieces that have come, or gone otherwise than by an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Adjustment {
    /// How many pieces more; negative for fewer.
    #[schema(example = 10)]
    delta: i64,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// At most so many, up to 100.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<Sku>,
}

/// The catalogue, by code.
#[utoipa::path(get, path = "/products", params(Asked), responses(
    (status = 200, body = Listing<Product>),
))]
async fn list_products(service: State, Query(asked): Query<Asked>) -> Result<Answer<Listing<Product>>, Problem> {
    let page = page(asked.limit, asked.cursor)?;
    Ok(axum::Json(service.list::<Stock>(page).get().await?.into()))
}

/// A product, and how many pieces of it can be ordered.
#[utoipa::path(get, path = "/products/{sku}", params(("sku" = Sku, Path)), responses(
    (status = 200, body = Product),
    (status = 404, description = "The catalogue does not have it", body = Problem),
))]
async fn get_product(service: State, Path(sku): Path<Sku>) -> Result<Answer<Product>, Problem> {
    let stock = service.one(Stock::SKU, &sku).await?;
    let stock = stock.ok_or_else(|| Problem::not_found(format!("the catalogue has no {sku}")))?;
    Ok(axum::Json(stock.into()))
}

/// Puts a product into the catalogue, or changes it. Orders keep the price at which they were taken.
#[utoipa::path(put, path = "/products/{sku}", params(("sku" = Sku, Path)), request_body = Wanted, responses(
    (status = 200, body = Product),
    (status = 409, description = "More pieces are held for orders than there would be", body = Problem),
))]
async fn put_product(
    service: State,
    Path(sku): Path<Sku>,
    caller: Caller,
    wanted: Json<Wanted>,
) -> Result<Answer<Product>, Problem> {
    wanted.check()?;
    let Wanted { name, price, stock } = wanted.into_inner();
    let stock = service.execute_as(PutProduct { sku, name, price, stock }, caller.request()).await?;
    Ok(axum::Json(stock.into()))
}

/// Counts pieces in or out. With an `idempotency-key`, sent again it counts once.
#[utoipa::path(post, path = "/products/{sku}/stock", request_body = Adjustment,
    params(("sku" = Sku, Path), ("idempotency-key" = Option<String>, Header)),
    responses(
        (status = 200, body = Product),
        (status = 404, description = "The catalogue does not have it", body = Problem),
        (status = 409, description = "More pieces are held for orders than there would be", body = Problem),
    )
)]
async fn adjust_stock(
    service: State,
    Path(sku): Path<Sku>,
    caller: Caller,
    adjustment: Json<Adjustment>,
) -> Result<Answer<Product>, Problem> {
    let request = caller.once(&adjustment);
    let stock = service.execute_as(AdjustStock { sku, delta: adjustment.delta }, request).await?;
    Ok(axum::Json(stock.into()))
}

type State = axum::extract::State<Service>;
type Answer<T> = axum::Json<T>;
