//! Products and dealers of a test's own, which the orders of other tests do not touch.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::shop::Shop;

/// A product with its stock before anything was ordered.
#[derive(Debug, Clone)]
pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) stock: i64,
}

impl Shop {
    /// Creates a product with this many pieces in stock, and returns its SKU.
    ///
    /// # Panics
    /// When inventory refuses it.
    pub async fn product(&self, stock: i64) -> String {
        let sku = format!("p-{}", Uuid::now_v7().simple());
        let body = json!({"name": "a test's own", "price": {"amount_minor": 250, "currency": "EUR"}, "stock": stock});
        self.send(self.request(Method::PUT, "inventory", &format!("/products/{sku}")).json(&body)).await.ok();
        self.products.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(Product { sku: sku.clone(), stock });
        sku
    }

    /// Creates a dealer with this capacity in a zone of its own, and returns the zone.
    ///
    /// # Panics
    /// When delivery refuses it.
    pub async fn zone(&self, capacity: u32) -> String {
        let zone = format!("z-{}", Uuid::now_v7().simple());
        let body = json!({"name": "a test's own", "zone": zone, "capacity": capacity});
        self.post("delivery", "/dealers", &body).await.ok();
        zone
    }

    /// Remembers the stock of every product, in a shop that no other test uses.
    pub(crate) async fn note_products(&self) {
        let products = self.list("inventory", "/products").await;
        let mut noted = self.products.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        noted.extend(products.iter().map(|product| Product {
            sku: product["sku"].as_str().unwrap_or_default().to_owned(),
            stock: pieces(product, "stock"),
        }));
    }
}

/// Returns a number of pieces from the JSON of a product.
///
/// # Panics
/// When the field is no number.
pub(crate) fn pieces(product: &Value, field: &str) -> i64 {
    product[field].as_i64().unwrap_or_else(|| panic!("no {field}: {product}"))
}
