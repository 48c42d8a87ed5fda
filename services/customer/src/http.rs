//! Customers over HTTP: their profiles.

use axum::extract::State;
use choreography::Service;
use choreography_axum::{Caller, InvalidField, Json, Listing, Paged, Paging, Path, Problem, find};
use contracts::{Address, AddressLine, CustomerId, EmailAddress, Name, Zone};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::customer::{Customer, Profile, PutCustomer};

/// The largest number of addresses of a customer: more can't be chosen from.
const ADDRESSES_MAX: usize = 20;

/// Returns the routes of customer.
pub fn routes() -> OpenApiRouter<Service> {
    OpenApiRouter::new().routes(routes!(list_customers)).routes(routes!(get_customer, put_customer))
}

/// A profile as it should be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedProfile {
    /// The name, by which mails greet.
    name: Name,
    /// The address that mails go to whose order has none.
    email: Option<EmailAddress>,
    /// Where orders may go, the preferred address first.
    #[serde(default)]
    #[schema(max_items = 20)]
    addresses: Vec<WantedAddress>,
}

/// Where orders may go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedAddress {
    zone: Zone,
    line: AddressLine,
}

impl WantedProfile {
    fn checked(self) -> Result<Profile, Problem> {
        let Self { name, email, addresses } = self;
        if addresses.len() > ADDRESSES_MAX {
            let detail = format!("a customer has at most {ADDRESSES_MAX} addresses, not {}", addresses.len());
            return Err(Problem::invalid(vec![InvalidField::at("/addresses", detail)]));
        }
        let addresses = addresses.into_iter().map(|WantedAddress { zone, line }| Address { zone, line: line.into() });
        Ok(Profile { name: name.into(), email: email.map(String::from), addresses: addresses.collect() })
    }
}

/// Lists customers in the order of their ids.
#[utoipa::path(get, path = "/customers", params(Paging::<CustomerId>), responses(
    (status = 200, body = Listing<Customer>),
))]
async fn list_customers(
    State(service): State<Service>,
    Paged { page, .. }: Paged<(), CustomerId>,
) -> Result<Json<Listing<Customer>>, Problem> {
    Ok(Json(service.list::<Customer>(page).get().await?.into()))
}

/// Returns a customer's profile.
#[utoipa::path(get, path = "/customers/{id}", params(("id" = CustomerId, Path)), responses(
    (status = 200, body = Customer),
    (status = 404, description = "There is no such customer", body = Problem),
))]
async fn get_customer(State(service): State<Service>, Path(id): Path<CustomerId>) -> Result<Json<Customer>, Problem> {
    find(&service, Customer::ID, &id, "customer").await.map(Json)
}

/// Makes a customer's profile, or replaces the whole of it. Put again, it stays as it is.
#[utoipa::path(put, path = "/customers/{id}", params(("id" = CustomerId, Path)), request_body = WantedProfile, responses(
    (status = 200, body = Customer),
    (status = 422, description = "The profile's content is invalid", body = Problem),
))]
async fn put_customer(
    State(service): State<Service>,
    Path(id): Path<CustomerId>,
    Caller(request): Caller,
    Json(wanted): Json<WantedProfile>,
) -> Result<Json<Customer>, Problem> {
    let profile = wanted.checked()?;
    Ok(Json(service.execute_as(PutCustomer { id, profile }, request).await?))
}
