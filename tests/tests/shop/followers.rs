//! Stories that are followed live: `GET /orders/{id}/events`.

use reqwest::{Method, Response};
use serde_json::Value;
use shop_tests::{Order, PATIENCE, Reply, Request, Shop};
use testkit::until;

use crate::outcomes::shared_shop;

/// How many stories of one customer's orders may be followed at once.
const OF_CUSTOMER_MAX: usize = 16;

async fn follow(shop: &Shop, order: &Order) -> Response {
    shop.request(Method::GET, "order", &format!("/orders/{}/events", order.id)).send().await.unwrap()
}

/// Returns the messages' names, from a response that ends.
async fn names(response: Response) -> Vec<String> {
    let text = response.text().await.unwrap();
    text.lines().filter_map(|line| Some(line.strip_prefix("event: ")?.to_owned())).collect()
}

#[tokio::test]
async fn a_followed_story_ends_with_its_order() {
    let shop = shared_shop().await;
    let order = shop.order("tea", 1, "north").await;
    let live = follow(&shop, &order).await;
    shop.confirm(&order).await;
    let followed = names(live).await;
    assert_eq!(followed.last().map(String::as_str), Some("customer-notified"), "{followed:?}");
    let again = names(follow(&shop, &order).await).await;
    assert_eq!((again.len(), again.last()), (followed.len(), followed.last()));
    let cancelled = shop.order("unicorn", 1, "north").await;
    let followed = names(follow(&shop, &cancelled).await).await;
    assert!(followed.contains(&"cancel-order".to_owned()), "{followed:?}");
}

#[tokio::test]
async fn a_story_that_is_over_sends_nobody_back_to_it() {
    let shop = shared_shop().await;
    let order = shop.order_automatic("tea", 1, "north").await;
    let text = follow(&shop, &order).await.text().await.unwrap();
    let ids: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let path = format!("/orders/{}/events", order.id);
    let after =
        async |id: &str| shop.request(Method::GET, "order", &path).header("last-event-id", id).send().await.unwrap();
    assert_eq!(after(ids.last().unwrap()).await.status(), 204);
    assert_eq!(names(after(ids[ids.len() - 3]).await).await.len(), 2);
}

#[tokio::test]
async fn a_customer_follows_a_bounded_number_of_stories_and_others_can_still_follow() {
    let shop = shared_shop().await;
    let (own, other) = (shop.order("tea", 1, "north").await, shop.order("tea", 1, "north").await);
    let mut followers = Vec::new();
    for _ in 0..OF_CUSTOMER_MAX {
        let follower = follow(&shop, &own).await;
        assert_eq!(follower.status(), 200);
        followers.push(follower);
    }
    let refused: Reply = shop.get("order", &format!("/orders/{}/events", own.id)).await;
    assert!(refused.retry_after.is_some_and(|seconds| seconds > 0), "{refused:?}");
    refused.problem(&[429]);
    assert_eq!(follow(&shop, &other).await.status(), 200);
    followers.pop();
    until("the place of a follower who has gone", PATIENCE, async || {
        let status = follow(&shop, &own).await.status();
        if status == 200 { Ok(()) } else { Err(status) }
    })
    .await;
}

#[tokio::test]
async fn an_order_says_what_its_story_says() {
    let shop = shared_shop().await;
    let order = shop.place(Request::new("tea", 1, "north").automatic()).await;
    shop.expect(&order, "completed").await;
    let followed = names(follow(&shop, &order).await).await;
    let story = shop.get("order", &format!("/orders/{}/story", order.id)).await.ok();
    let story: Vec<&str> =
        story.as_array().unwrap().iter().map(|message: &Value| message["message"].as_str().unwrap()).collect();
    assert_eq!(followed, story);
}
