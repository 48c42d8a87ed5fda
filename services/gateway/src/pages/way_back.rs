//! The page that a person comes back to: after signing in, or after an error.
//!
//! What must hold: it is a page of the shop, whatever an address or a form says.

use std::fmt::{self, Display};

use axum::http::header::{HOST, REFERER};
use axum::http::{HeaderMap, Method, Uri};
use serde::Deserialize;

use super::read::encode;

/// The longest address that is come back to, in bytes: longer ones are the shop's start page.
const LENGTH_MAX: usize = 1_024;

/// The path and query of a page of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub(super) struct WayBack(String);

impl From<String> for WayBack {
    /// Takes an address of the shop; of any other text it makes the start page.
    fn from(text: String) -> Self {
        let is_local = text.starts_with('/') && !text[1..].starts_with(['/', '\\']);
        let is_address = text.len() <= LENGTH_MAX && text.bytes().all(|byte| byte.is_ascii_graphic());
        if is_local && is_address { Self(text) } else { Self::default() }
    }
}

impl Default for WayBack {
    fn default() -> Self {
        Self("/".to_owned())
    }
}

impl Display for WayBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl WayBack {
    /// Returns the page that a browser asked for, or the one with the form that it sent.
    pub(super) fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        if method.is_safe() { path_and_query(uri).into() } else { Self::from_page(headers).unwrap_or_default() }
    }

    /// Returns the page on which a link was followed or a form was sent; none if it was on another site.
    pub(super) fn from_page(headers: &HeaderMap) -> Option<Self> {
        let text = |name| headers.get(name)?.to_str().ok();
        let from: Uri = text(REFERER)?.parse().ok()?;
        (from.authority()?.as_str() == text(HOST)?).then(|| path_and_query(&from).into())
    }

    /// Returns the address of a page of signing in that leads here afterwards.
    pub(super) fn after(&self, sign_in: &str) -> String {
        if *self == Self::default() { sign_in.to_owned() } else { format!("{sign_in}?next={}", encode(&self.0)) }
    }
}

fn path_and_query(uri: &Uri) -> String {
    uri.path_and_query().map_or_else(String::new, ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_never_leads_to_another_site() {
        for good in ["/", "/orders", "/order?sku=tea&quantity=2"] {
            assert_eq!(WayBack::from(good.to_owned()).to_string(), good);
        }
        for bad in ["", "orders", "//evil.example", "/\\evil.example", "https://evil.example/", "/a\nb", "/a b"] {
            assert_eq!(WayBack::from(bad.to_owned()), WayBack::default(), "{bad:?}");
        }
    }

    #[test]
    fn a_form_leads_back_to_its_page_if_that_is_the_shops() {
        let back = |referer: &str| {
            let headers = [(HOST, "shop.example"), (REFERER, referer)];
            let headers = headers.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect();
            WayBack::of(&Method::POST, &Uri::from_static("/orders"), &headers).to_string()
        };
        assert_eq!(back("http://shop.example/order?sku=tea"), "/order?sku=tea");
        assert_eq!(back("http://evil.example/order"), "/");
        assert_eq!(back("http://shop.example//evil.example"), "/");
    }

    #[test]
    fn signing_in_remembers_where_to_go_and_nothing_for_the_start_page() {
        assert_eq!(WayBack::default().after("/sign-in"), "/sign-in");
        assert_eq!(WayBack::from("/a?b=c&d".to_owned()).after("/sign-in"), "/sign-in?next=%2Fa%3Fb%3Dc%26d");
    }
}
