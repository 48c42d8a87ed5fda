//! Where the services behind the gateway are.

use std::fmt::{self, Display};
use std::str::FromStr;

use axum::http::Uri;
use axum::http::uri::Authority;
use clap::Args;

use super::{IdentityKey, Upstream};

/// Where the services behind the gateway are: the URLs of their instances.
#[derive(Debug, Clone, Args)]
pub struct UpstreamSettings {
    /// The order service; several instances, separated by commas, share the load
    #[arg(long, env = "ORDER_URL", default_value = "http://127.0.0.1:8081", value_delimiter = ',')]
    pub order_url: Vec<BaseUrl>,
    /// The payment service
    #[arg(long, env = "PAYMENT_URL", default_value = "http://127.0.0.1:8082", value_delimiter = ',')]
    pub payment_url: Vec<BaseUrl>,
    /// The delivery service
    #[arg(long, env = "DELIVERY_URL", default_value = "http://127.0.0.1:8083", value_delimiter = ',')]
    pub delivery_url: Vec<BaseUrl>,
    /// The notify service
    #[arg(long, env = "NOTIFY_URL", default_value = "http://127.0.0.1:8084", value_delimiter = ',')]
    pub notify_url: Vec<BaseUrl>,
    /// The inventory service
    #[arg(long, env = "INVENTORY_URL", default_value = "http://127.0.0.1:8085", value_delimiter = ',')]
    pub inventory_url: Vec<BaseUrl>,
    /// The wallet service
    #[arg(long, env = "WALLET_URL", default_value = "http://127.0.0.1:8086", value_delimiter = ',')]
    pub wallet_url: Vec<BaseUrl>,
    /// The customer service
    #[arg(long, env = "CUSTOMER_URL", default_value = "http://127.0.0.1:8087", value_delimiter = ',')]
    pub customer_url: Vec<BaseUrl>,
    /// The file with the private key (Ed25519, PEM) with which the gateway tells the services who calls; they get the
    /// public key as REQUIRE_GATEWAY. Without it a key for development
    #[arg(long, env = "IDENTITY_KEY")]
    pub identity_key: Option<IdentityKey>,
}

impl UpstreamSettings {
    pub(super) fn instances(&self) -> [(Upstream, &[BaseUrl]); 7] {
        [
            (Upstream::Order, &self.order_url),
            (Upstream::Payment, &self.payment_url),
            (Upstream::Delivery, &self.delivery_url),
            (Upstream::Notify, &self.notify_url),
            (Upstream::Inventory, &self.inventory_url),
            (Upstream::Wallet, &self.wallet_url),
            (Upstream::Customer, &self.customer_url),
        ]
    }
}

/// The URL of an instance: `http://host:port`. A login in it is left out: it would be sent to nobody, and be shown in logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseUrl(Authority);

/// A text that is no URL of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an instance is http://<host>:<port> without a path: services are on the loopback or a private network")]
pub struct InvalidBaseUrl;

impl BaseUrl {
    pub(super) fn authority(&self) -> &Authority {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = InvalidBaseUrl;

    fn from_str(text: &str) -> Result<Self, InvalidBaseUrl> {
        let parts = text.parse::<Uri>().map_err(|_| InvalidBaseUrl)?.into_parts();
        let has_path = parts.path_and_query.is_some_and(|path| path != "/");
        if has_path || parts.scheme.is_none_or(|scheme| scheme.as_str() != "http") {
            return Err(InvalidBaseUrl);
        }
        let authority = parts.authority.ok_or(InvalidBaseUrl)?;
        let address = authority.as_str().rsplit('@').next().unwrap_or_default();
        address.parse().map(Self).map_err(|_| InvalidBaseUrl)
    }
}

impl Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_is_a_plain_address() {
        for good in ["http://127.0.0.1:8081", "http://order.internal", "http://[::1]:80/"] {
            assert!(good.parse::<BaseUrl>().is_ok(), "{good}");
        }
        for bad in ["127.0.0.1:8081", "https://order", "http://order/api", "", "order"] {
            assert_eq!(bad.parse::<BaseUrl>(), Err(InvalidBaseUrl), "{bad}");
        }
        let with_login = "http://gateway:secret@order:8081".parse::<BaseUrl>().unwrap();
        assert_eq!(with_login.to_string(), "http://order:8081");
    }
}
