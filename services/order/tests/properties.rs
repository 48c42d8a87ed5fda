//! The properties of order, and what it tells whom how often.

use std::collections::BTreeMap;

use choreography::testing::{Moment, Properties};
use contracts::{CreateDelivery, News, OrderId, OrderUpdated, ReserveStock};
use order::order::{Order, Status};

fn count<T: Ord>(of: impl IntoIterator<Item = T>) -> BTreeMap<T, usize> {
    of.into_iter().fold(BTreeMap::new(), |mut counts, one| {
        *counts.entry(one).or_default() += 1;
        counts
    })
}

fn says_everything_once(story: &Moment<'_>) {
    let news = count(story.published::<OrderUpdated>().iter().map(|news| (news.order_id, news.status)));
    assert!(news.values().all(|count| *count == 1), "{news:?}");
    let stock = count(story.published::<ReserveStock>().iter().map(|request| request.order_id));
    assert!(stock.values().all(|count| *count == 1), "{stock:?}");
    let deliveries = count(story.published::<CreateDelivery>().iter().map(|request| request.order_id));
    assert!(deliveries.values().all(|count| *count == 1), "{deliveries:?}");
}

fn says_how_an_order_ended(story: &Moment<'_>) {
    let last = |order: OrderId| {
        let mut news = story.published::<OrderUpdated>().into_iter().rev();
        news.find(|news| news.order_id == order).map(|news| news.status)
    };
    for order in story.rows::<Order>() {
        let expected = match order.status {
            Status::Pending => None,
            Status::Confirmed => Some(News::Paid),
            Status::Completed => Some(News::Completed),
            Status::Cancelled => Some(News::Cancelled),
        };
        assert_eq!(last(order.id), expected, "{}", order.status);
    }
}

#[test]
fn order_has_every_property_of_a_service() {
    let properties = Properties::of(order::choreography());
    let properties = properties.keeps("everything is said once", says_everything_once);
    properties.keeps("the customer knows how an order ended", says_how_an_order_ended).check();
}
