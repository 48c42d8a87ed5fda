//! Inventory over HTTP: the catalogue, and how many pieces there are.

use axum::extract::State;
use choreography::Service;
use choreography_axum::{
    Caller, Idempotent, InvalidField, Json, Listing, OptionalKey, Paged, Paging, Path, Problem, find,
};
use contracts::{Currency, Description, Money, Name, Sku};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::catalogue::{AdjustStock, PutProduct};
use crate::stock::{PIECES_MAX, Stock};

/// The highest price of a piece, in minor units: more is a mistake, and a sum of them is still an amount.
const PRICE_MAX: i64 = 1_000_000_000_000;

/// Returns the routes of inventory.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new()
        .routes(routes!(list_products))
        .routes(routes!(get_product, put_product))
        .routes(routes!(adjust_stock))
}

/// A product, and how many pieces of it there are.
#[derive(Debug, Serialize, ToSchema)]
struct Product {
    sku: Sku,
    name: String,
    /// What it is.
    description: Option<String>,
    price: Money,
    /// Pieces on the shelf.
    stock: u64,
    /// Pieces of them that are held for orders.
    held: u64,
    /// Pieces of them that can still be ordered.
    available: u64,
}

impl From<Stock> for Product {
    fn from(stock: Stock) -> Self {
        let available = stock.available();
        let Stock { sku, name, description, price, on_shelf, held } = stock;
        Self { sku, name, description, price, stock: on_shelf, held, available }
    }
}

/// A product as it should be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Its name.
    name: Name,
    /// What it is, for those who browse the catalogue.
    description: Option<Description>,
    /// What one piece costs from now on.
    price: Price,
    /// Pieces on the shelf of a new product. A product that exists keeps its own: `POST /products/{sku}/stock` changes
    /// them.
    #[schema(maximum = 1_000_000_000_000u64)]
    stock: u64,
}

/// What a piece costs.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Price {
    /// Minor units of the currency: cents of a euro, whole yen.
    #[schema(minimum = 1, maximum = 1_000_000_000_000i64, example = 450)]
    amount_minor: i64,
    currency: Currency,
}

impl Wanted {
    fn check(&self) -> Result<(), Problem> {
        let mut invalid = Vec::new();
        if !(1..=PRICE_MAX).contains(&self.price.amount_minor) {
            invalid.push(InvalidField::at("/price/amount_minor", format!("a piece costs 1 to {PRICE_MAX}")));
        }
        if self.stock > PIECES_MAX {
            invalid.push(InvalidField::at("/stock", format!("at most {PIECES_MAX} pieces fit")));
        }
        if invalid.is_empty() { Ok(()) } else { Err(Problem::invalid(invalid)) }
    }
}

/// Pieces that were added to the shelf, or left it without an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Adjustment {
    /// How many pieces more; negative for fewer.
    #[schema(minimum = -1_000_000_000_000i64, maximum = 1_000_000_000_000i64, example = 10)]
    delta: i64,
}

/// Lists the catalogue in the order of the codes.
#[utoipa::path(get, path = "/products", params(Paging::<Sku>), responses(
    (status = 200, body = Listing<Product>),
))]
async fn list_products(
    State(service): State<Service>,
    Paged { page, .. }: Paged<(), Sku>,
) -> Result<Json<Listing<Product>>, Problem> {
    Ok(Json(service.list::<Stock>(page).get().await?.into()))
}

/// Returns a product, and how many pieces of it can be ordered.
#[utoipa::path(get, path = "/products/{sku}", params(("sku" = Sku, Path)), responses(
    (status = 200, body = Product),
    (status = 404, description = "The catalogue does not have the product", body = Problem),
))]
async fn get_product(State(service): State<Service>, Path(sku): Path<Sku>) -> Result<Json<Product>, Problem> {
    let stock = find(&service, Stock::SKU, &sku, "product").await?;
    Ok(Json(stock.into()))
}

/// Puts a product into the catalogue, or changes its name, description and price. Orders keep the price at which they
/// were taken, and `stock` counts for a new product only: a change of price never brings sold pieces back.
#[utoipa::path(put, path = "/products/{sku}", params(("sku" = Sku, Path)), request_body = Wanted, responses(
    (status = 200, body = Product),
    (status = 422, description = "The product's content is invalid", body = Problem),
))]
async fn put_product(
    State(service): State<Service>,
    Path(sku): Path<Sku>,
    Caller(request): Caller,
    Json(wanted): Json<Wanted>,
) -> Result<Json<Product>, Problem> {
    wanted.check()?;
    let Wanted { name, description, price: Price { amount_minor, currency }, stock } = wanted;
    let price = Money::new(amount_minor, currency);
    let (name, description) = (name.into(), description.map(String::from));
    let stock = service.execute_as(PutProduct { sku, name, description, price, stock }, request).await?;
    Ok(Json(stock.into()))
}

/// Adds pieces to a product, or takes some away. With an `idempotency-key`, sent again it counts once.
#[utoipa::path(post, path = "/products/{sku}/stock", request_body = Adjustment,
    params(("sku" = Sku, Path), OptionalKey),
    responses(
        (status = 200, body = Product),
        (status = 404, description = "The catalogue does not have the product", body = Problem),
        (status = 409, description = "More pieces are held for orders than there would be", body = Problem),
    )
)]
async fn adjust_stock(
    State(service): State<Service>,
    Path(sku): Path<Sku>,
    Idempotent { body: Adjustment { delta }, request }: Idempotent<Adjustment>,
) -> Result<Json<Product>, Problem> {
    if delta.unsigned_abs() > PIECES_MAX {
        let detail = format!("a change is at most {PIECES_MAX} pieces, more or fewer");
        return Err(Problem::invalid(vec![InvalidField::at("/delta", detail)]));
    }
    let stock = service.execute_as(AdjustStock { sku, delta }, request).await?;
    Ok(Json(stock.into()))
}
