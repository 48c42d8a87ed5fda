//! The list of orders, on a real database.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use choreography::{Clock, Service, Settings};
use choreography_axum::testing::TestClient;
use contracts::{Address, Confirmation, CreateOrder, CustomerId, Line, OrderId};
use order::customer::{OpenOrder, WithdrawOrder};
use order::millisecond::Millisecond;
use order::{choreography, http};
use serde_json::{Value, json};
use uuid::Uuid;

const ADA: Uuid = Uuid::from_u128(0xada);
const BOB: Uuid = Uuid::from_u128(0xb0b);

/// The order service on a database in a file, and its routes.
struct History {
    service: Service,
    client: TestClient,
    clock: Clock,
    _directory: tempfile::TempDir,
}

impl History {
    async fn start() -> Self {
        let (directory, clock) = (tempfile::tempdir().unwrap(), Clock::system());
        let path = directory.path().join("order.db").display().to_string();
        let settings = Settings { clock: clock.clone(), ..Settings::default() };
        let builder = Service::builder(choreography()).settings(settings).sqlite(path).memory();
        let service = builder.migrations(&sqlx::migrate!()).start().await.unwrap();
        while !service.breaker().caught_up {
            tokio::task::yield_now().await;
        }
        let client = TestClient::new(&service, http::routes());
        Self { service, client, clock, _directory: directory }
    }

    /// Opens an order in a millisecond of its own, and returns when.
    async fn open(&self, id: u128, customer: Uuid) -> String {
        let (order_id, customer_id) = (OrderId::from(Uuid::from_u128(id)), CustomerId::from(customer));
        let address = Address { zone: "north".parse().unwrap(), line: "1 Hill Road".into() };
        let lines = vec![Line { sku: "tea".parse().unwrap(), quantity: 1 }];
        let (email, confirmation) = (None, Confirmation::Manual);
        let create = CreateOrder { order_id, customer_id, email, lines, address, confirmation };
        let opened = self.service.execute(OpenOrder { create }).await.unwrap().created_at;
        while Millisecond::from(self.clock.now()) == Millisecond::from(opened) {
            tokio::task::yield_now().await;
        }
        opened.to_string()
    }

    /// Returns the ids on the page of a query, and the cursor of the next one.
    async fn page(&self, query: &str) -> (Vec<u128>, Option<String>) {
        let (status, page) = self.client.call("GET", &format!("/orders?{query}"), Value::Null).await;
        assert_eq!(status, 200, "{query}: {page}");
        let id = |order: &Value| order["id"].as_str().unwrap().parse::<Uuid>().unwrap().as_u128();
        (page["items"].as_array().unwrap().iter().map(id).collect(), page["next"].as_str().map(str::to_owned))
    }
}

#[tokio::test]
async fn orders_are_listed_by_the_time_at_which_they_were_opened_whatever_their_ids() {
    let history = History::start().await;
    let mut opened = Vec::new();
    for (id, customer) in [(5, ADA), (3, BOB), (4, ADA), (1, ADA), (2, BOB)] {
        opened.push(history.open(id, customer).await);
    }
    let order_id = OrderId::from(Uuid::from_u128(1));
    history.service.execute(WithdrawOrder { order_id }).await.unwrap();
    let [_, second, third, fourth, _] = opened.as_slice() else { panic!("{opened:?}") };
    let cases = [
        (String::new(), vec![2, 1, 4, 3, 5]),
        (format!("customer_id={ADA}"), vec![1, 4, 5]),
        (format!("customer_id={ADA}&status=pending"), vec![4, 5]),
        ("status=cancelled".into(), vec![1]),
        (format!("created_after={third}"), vec![2, 1, 4]),
        (format!("created_before={third}"), vec![3, 5]),
        (format!("created_after={second}&created_before={fourth}"), vec![4, 3]),
        (format!("customer_id={ADA}&created_after={second}&created_before={fourth}"), vec![4]),
        (format!("created_after={fourth}&created_before={second}"), vec![]),
    ];
    for (query, expected) in cases {
        assert_eq!(history.page(&query).await, (expected.clone(), None), "{query}");
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let (items, next) = history.page(&format!("{query}&limit=1{cursor}")).await;
            paged.extend(items);
            let Some(next) = next else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, expected, "{query}, page by page");
    }
    history.service.stop().await;
}

#[tokio::test]
async fn a_filter_that_can_not_be_read_is_refused_with_a_problem() {
    let history = History::start().await;
    for query in ["created_after=yesterday", "created_before=2026-03-01", "status=lost", "since=2026-03-01T12:00:00Z"] {
        let (status, problem) = history.client.call("GET", &format!("/orders?{query}"), Value::Null).await;
        assert_eq!((status, &problem["type"]), (400, &json!("urn:problem:invalid-query")), "{query}");
    }
    history.service.stop().await;
}
