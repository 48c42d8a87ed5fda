//! What a customer does: places orders, pays, cancels, and waits for the outcome.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::until;
use uuid::Uuid;

use crate::http::Reply;
use crate::shelf::Product;
use crate::shop::{PATIENCE, Shop};

/// An order that was placed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id.
    pub id: String,
    /// Who ordered.
    pub customer_id: String,
    /// The address for its mails, which no other order has.
    pub email: String,
    /// Its lines: product and pieces.
    pub lines: Vec<(String, u32)>,
}

/// A request for an order.
#[derive(Debug, Clone)]
pub struct Request {
    /// The body of `POST /orders`.
    pub body: Value,
    lines: Vec<(String, u32)>,
    email: String,
}

impl Request {
    /// Returns a request for one product, to a zone; the payment waits for the customer.
    pub fn new(sku: &str, quantity: u32, zone: &str) -> Self {
        Self::lines(&[(sku, quantity)], zone)
    }

    /// Returns a request with several lines, to a zone; the payment waits for the customer.
    pub fn lines(lines: &[(&str, u32)], zone: &str) -> Self {
        let email = format!("{}@example.com", Uuid::now_v7().simple());
        let body = json!({
            "customer_id": Uuid::now_v7(),
            "email": email,
            "lines": lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity})).collect::<Vec<_>>(),
            "address": {"zone": zone, "line": "1 Hill Road"},
        });
        Self { body, email, lines: lines.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect() }
    }

    /// Orders as this customer.
    pub fn by(mut self, customer_id: &str) -> Self {
        self.body["customer_id"] = customer_id.into();
        self
    }

    /// Lets the payment be confirmed as soon as it is created.
    pub fn automatic(mut self) -> Self {
        self.body["confirmation"] = "automatic".into();
        self
    }
}

impl Shop {
    /// Places an order; the payment waits for the customer.
    pub async fn order(&self, sku: &str, quantity: u32, zone: &str) -> Order {
        self.place(Request::new(sku, quantity, zone)).await
    }

    /// Places an order whose payment nobody has to confirm.
    pub async fn order_automatic(&self, sku: &str, quantity: u32, zone: &str) -> Order {
        self.place(Request::new(sku, quantity, zone).automatic()).await
    }

    /// Places an order, again and again while the shop accepts none.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn place(&self, request: Request) -> Order {
        let reply = self.post("order", "/orders", &request.body).await;
        self.placed(request, reply).unwrap_or_else(|reply| panic!("the order is refused: {reply:?}"))
    }

    /// Places an order, once.
    ///
    /// # Errors
    /// The reply that refuses it.
    ///
    /// # Panics
    /// When there is no reply.
    pub async fn try_place(&self, request: Request) -> Result<Order, Reply> {
        let reply = self.send(self.request(Method::POST, "order", "/orders").json(&request.body)).await;
        self.placed(request, reply)
    }

    fn placed(&self, request: Request, reply: Reply) -> Result<Order, Reply> {
        if reply.status != 201 {
            return Err(reply);
        }
        let id = reply.body["id"].as_str().unwrap_or_else(|| panic!("an order without id: {reply:?}")).to_owned();
        assert!(reply.location.as_ref().is_some_and(|location| location.ends_with(&id)), "no Location: {reply:?}");
        let customer_id = request.body["customer_id"].as_str().unwrap_or_default().to_owned();
        let order = Order { id, customer_id, email: request.email, lines: request.lines };
        self.placed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(order.clone());
        Ok(order)
    }

    /// Returns the order from the order service.
    pub async fn look(&self, order: &Order) -> Value {
        self.get("order", &format!("/orders/{}", order.id)).await.ok()
    }

    /// Waits until the order has a status, and returns the order.
    ///
    /// # Panics
    /// When it does not reach it.
    pub async fn expect(&self, order: &Order, status: &str) -> Value {
        self.expect_within(order, status, PATIENCE).await
    }

    /// Waits until the order has a status, or with `ended` until it is `completed` or `cancelled`; returns the order.
    ///
    /// # Panics
    /// When it does not get there in time.
    pub async fn expect_within(&self, order: &Order, status: &str, limit: Duration) -> Value {
        let what = format!("order {} to be {status}", order.id);
        until(what, limit, async || {
            let path = format!("/orders/{}", order.id);
            let reply = self.try_send(self.request(reqwest::Method::GET, "order", &path)).await;
            let reply = reply.map_err(|error| format!("{error:?}"))?;
            let ended = ["completed", "cancelled"].contains(&reply.body["status"].as_str().unwrap_or_default());
            if reply.body["status"] == status || (status == "ended" && ended) {
                return Ok(reply.body);
            }
            Err(format!("{} with the story {:?}", reply.body, self.story_names(&order.id).await))
        })
        .await
    }

    /// Waits until the order service knows that the customer was notified of the end; nothing changes after that.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn expect_saga_over(&self, order: &Order) -> Value {
        until(format!("the saga of order {} to be over", order.id), PATIENCE, async || {
            let now = self.look(order).await;
            if now["notified"] == now["status"] { Ok(now) } else { Err(now) }
        })
        .await
    }

    /// Waits for the order's payment and returns it.
    ///
    /// # Panics
    /// When there is none for too long.
    pub async fn payment(&self, order: &Order) -> Value {
        let what = format!("a payment for order {}", order.id);
        until(what, PATIENCE, async || {
            let path = format!("/payments?order_id={}", order.id);
            let reply = self.try_send(self.request(reqwest::Method::GET, "payment", &path)).await;
            let reply = reply.map_err(|error| format!("{error:?}"))?;
            let first = reply.body["items"].as_array().and_then(|items| items.first()).cloned();
            first.ok_or_else(|| format!("{reply:?} with the order {}", order.id))
        })
        .await
    }

    /// Waits until the order's payment has a status.
    ///
    /// # Panics
    /// When it does not reach it.
    pub async fn expect_payment(&self, order: &Order, status: &str) {
        until(format_args!("the payment of {} to be {status}", order.id), PATIENCE, async || {
            let payment = self.payment(order).await;
            if payment["status"] == status { Ok(()) } else { Err(payment.to_string()) }
        })
        .await;
    }

    /// Confirms the payment as the customer.
    pub async fn confirm(&self, order: &Order) {
        self.try_confirm(order).await.ok();
    }

    /// Tries to confirm the payment as the customer.
    pub async fn try_confirm(&self, order: &Order) -> Reply {
        self.act_on_payment(order, "confirm").await
    }

    /// Cancels the payment as the customer.
    pub async fn cancel_payment(&self, order: &Order) {
        self.try_cancel_payment(order).await.ok();
    }

    /// Tries to cancel the payment as the customer.
    pub async fn try_cancel_payment(&self, order: &Order) -> Reply {
        self.act_on_payment(order, "cancel").await
    }

    async fn act_on_payment(&self, order: &Order, action: &str) -> Reply {
        let payment = self.payment(order).await;
        let id = payment["id"].as_str().unwrap_or_else(|| panic!("a payment without id: {payment}"));
        self.post("payment", &format!("/payments/{id}/{action}"), &json!({})).await
    }

    /// Cancels the order as the customer, and returns it.
    pub async fn cancel(&self, order: &Order) -> Value {
        self.try_cancel(order).await.ok()
    }

    /// Tries to cancel the order as the customer.
    pub async fn try_cancel(&self, order: &Order) -> Reply {
        self.post("order", &format!("/orders/{}/cancel", order.id), &json!({})).await
    }

    /// Leaves an order and its products out of the invariants, for one that ends in a known loss.
    pub fn forget(&self, order: &Order) {
        self.placed.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).retain(|placed| placed != order);
        let is_of_order = |product: &Product| order.lines.iter().any(|(sku, _)| *sku == product.sku);
        let mut products = self.products.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        products.retain(|product| !is_of_order(product));
    }

    /// Returns the operations of the customer's wallet for the order, the newest first.
    pub async fn operations(&self, order: &Order) -> Vec<Value> {
        let path = format!("/wallets/{}/operations?limit=100", order.customer_id);
        let mut operations = self.list("wallet", &path).await;
        operations.retain(|operation| operation["order_id"] == order.id.as_str());
        operations
    }

    /// Returns the order's deliveries.
    pub async fn deliveries(&self, order: &Order) -> Vec<Value> {
        self.list("delivery", &format!("/deliveries?order_id={}", order.id)).await
    }
}
