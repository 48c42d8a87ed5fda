//! What the gateway's handlers share.

use choreography::Service;

use crate::pages::{Issuer, ProductNames};
use crate::tokens::Tokens;
use crate::upstreams::Upstreams;

/// What the gateway's handlers share; a clone is the same.
#[derive(Clone)]
pub struct Gateway {
    /// The gateway as a service of the choreography.
    pub service: Service,
    /// The services behind it.
    pub upstreams: Upstreams,
    /// Whose tokens count.
    pub tokens: Tokens,
    /// Where visitors of the pages sign in, if not with the development key.
    pub issuer: Option<Issuer>,
    /// The names of products, for orders in the pages.
    pub product_names: ProductNames,
    /// Whether this is the demonstration: customers may deposit money themselves.
    pub demo: bool,
}
