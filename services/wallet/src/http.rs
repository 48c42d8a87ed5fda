//! Wallets over HTTP: what is in one, what was done with it, and putting money in.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use choreography::Service;
use choreography_axum::{Idempotent, InvalidField, Json, Listing, Paged, Paging, Path, Problem, RequiredKey};
use contracts::{Currency, CustomerId, Money, OperationId};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::deposit::{Deposit, OpenWallet};
use crate::operation::Operation;
use crate::wallet::Wallet;

/// The highest amount of a deposit, in minor units: more is a mistake.
const DEPOSIT_MAX: i64 = 1_000_000_000_000;

/// Returns the routes of wallet.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(get_wallet)).routes(routes!(deposit)).routes(routes!(list_operations))
}

/// Returns a customer's wallet. In a demonstration a customer without one is given one with money in it.
#[utoipa::path(get, path = "/wallets/{customer_id}", params(("customer_id" = CustomerId, Path)), responses(
    (status = 200, body = Wallet),
    (status = 404, description = "The customer has no wallet", body = Problem),
))]
async fn get_wallet(
    State(service): State<Service>,
    Path(customer_id): Path<CustomerId>,
) -> Result<Json<Wallet>, Problem> {
    wallet_of(&service, customer_id).await.map(Json)
}

/// Lists the operations of a customer's wallet, the newest first.
#[utoipa::path(get, path = "/wallets/{customer_id}/operations",
    params(("customer_id" = CustomerId, Path), Paging::<OperationId>),
    responses(
        (status = 200, body = Listing<Operation>),
        (status = 404, description = "The customer has no wallet", body = Problem),
    )
)]
async fn list_operations(
    State(service): State<Service>,
    Path(customer_id): Path<CustomerId>,
    Paged { page, .. }: Paged<(), OperationId>,
) -> Result<Json<Listing<Operation>>, Problem> {
    wallet_of(&service, customer_id).await?;
    // An opening operation has an id that does not sort by time.
    let operations = service.list::<Operation>(page).with(Operation::CUSTOMER, &customer_id);
    Ok(Json(operations.sorted_by(Operation::CREATED).descending().get().await?.into()))
}

/// Returns a customer's wallet, which in a demonstration is opened now if there is none.
async fn wallet_of(service: &Service, customer_id: CustomerId) -> Result<Wallet, Problem> {
    match service.get::<Wallet>(&customer_id).await? {
        Some(wallet) => Ok(wallet),
        None => Ok(service.execute(OpenWallet { customer_id }).await?),
    }
}

/// Money that is put into a wallet.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDeposit {
    amount: Amount,
}

/// An amount of money above zero.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Amount {
    /// Minor units of the currency: cents of a euro, whole yen.
    #[schema(minimum = 1, maximum = 1_000_000_000_000i64, example = 5000)]
    amount_minor: i64,
    currency: Currency,
}

impl NewDeposit {
    fn checked(&self) -> Result<Money, Problem> {
        let Amount { amount_minor, currency } = self.amount;
        if (1..=DEPOSIT_MAX).contains(&amount_minor) {
            return Ok(Money::new(amount_minor, currency));
        }
        let detail = format!("a deposit is 1 to {DEPOSIT_MAX} minor units");
        Err(Problem::invalid(vec![InvalidField::at("/amount/amount_minor", detail)]))
    }
}

/// Puts money into a customer's wallet, which is opened if there is none. Returns the operation.
#[utoipa::path(post, path = "/wallets/{customer_id}/deposits", request_body = NewDeposit,
    params(("customer_id" = CustomerId, Path), RequiredKey),
    responses(
        (status = 201, body = Operation, headers(("location" = String, description = "The address of the wallet's operations"))),
        (status = 409, description = "The wallet would hold more than it may", body = Problem),
        (status = 422, description = "The amount is invalid, or the key was used before with another one", body = Problem),
    )
)]
async fn deposit(
    State(service): State<Service>,
    Path(customer_id): Path<CustomerId>,
    new: Idempotent<NewDeposit>,
) -> Result<impl IntoResponse, Problem> {
    let Idempotent { body, request } = new.required()?;
    let (operation_id, amount) = (service.new_id(), body.checked()?);
    let operation = service.execute_as(Deposit { operation_id, customer_id, amount }, request).await?;
    let location = [(header::LOCATION, format!("/wallets/{customer_id}/operations"))];
    Ok((StatusCode::CREATED, location, Json(operation)))
}
