//! The properties of payment: who is asked for money, and who gets it back.

use choreography::testing::{Moment, Properties};
use contracts::{
    CancelOrder, CancelPayment, DebitWallet, ExpirePayment, OrderConfirmed, OrderId, RefundWallet, RetryDebit,
    WalletDebited,
};
use payment::customer::{ConfirmPayment, DeclinePayment};
use payment::payment::{Payment, Status};
use payment::settings::Patience;

/// How often each thing was published about an order.
fn counts(story: &Moment<'_>, order: OrderId) -> [usize; 3] {
    [
        story.published::<OrderConfirmed>().iter().filter(|message| message.order_id == order).count(),
        story.published::<RefundWallet>().iter().filter(|message| message.order_id == order).count(),
        story.published::<CancelOrder>().iter().filter(|message| message.order_id == order).count(),
    ]
}

/// Who may have taken money gives it back once, and whoever ends cancels the order once.
fn ends_once(story: &Moment<'_>) {
    for payment in story.rows::<Payment>() {
        let may_hold_money = payment.operation_id.is_some();
        let expected = match payment.status {
            Status::Pending | Status::Processing => [0, 0, 0],
            Status::Confirmed => [1, 0, 0],
            Status::Refunded => [1, 1, 1],
            Status::Cancelled => [0, usize::from(may_hold_money), 1],
            Status::Refused | Status::Expired => [0, 0, 1],
        };
        assert_eq!(counts(story, payment.order_id), expected, "{:?}", payment.status);
    }
}

/// Whether the wallet answers before it is asked: a payment that is pending has requested nothing.
fn is_unasked(answer: &WalletDebited, story: &Moment<'_>) -> bool {
    story.row::<Payment>(&answer.order_id).is_some_and(|payment| payment.status == Status::Pending)
}

/// A debit that is requested again is the same operation, so that the wallet books it once.
fn requests_one_operation(story: &Moment<'_>) {
    let requests = story.published::<DebitWallet>();
    for (index, request) in requests.iter().enumerate() {
        let same = requests[..index].iter().filter(|before| before.order_id == request.order_id);
        same.for_each(|before| assert_eq!(before, request));
    }
}

/// Of the deadline and the customer the first wins: whoever comes second finds a payment that is pending no more.
fn first_wins(story: &Moment<'_>) {
    let Some(payment) = story.own_row::<Payment>() else { return };
    let before = story.own_row_before::<Payment>().expect("neither of them makes a payment");
    let winner = match before.status {
        Status::Pending => payment.status != Status::Pending,
        Status::Processing => matches!(payment.status, Status::Processing | Status::Cancelled),
        ended => payment.status == ended,
    };
    assert!(winner, "{:?} became {:?}", before.status, payment.status);
}

/// The wallet's answer settles a payment, whether the money was requested once more before or not.
fn answer_settles(story: &Moment<'_>) {
    let Some(payment) = story.own_row::<Payment>() else { return };
    let before = story.own_row_before::<Payment>().expect("neither of them makes a payment");
    let settled = match before.status {
        Status::Processing => matches!(payment.status, Status::Confirmed | Status::Cancelled),
        other => payment.status == other,
    };
    assert!(settled, "{:?} became {:?}", before.status, payment.status);
}

/// A payment that is cancelled while it waits for the wallet ends confirmed, or cancelled with a refund, for the wallet
/// may answer all the same.
fn takes_answer_or_refunds(story: &Moment<'_>) {
    let Some(payment) = story.own_row::<Payment>() else { return };
    let before = story.own_row_before::<Payment>().expect("neither of them makes a payment");
    if before.status == Status::Processing {
        let [confirmed, refunded, cancelled] = counts(story, payment.order_id);
        match payment.status {
            Status::Confirmed => assert_eq!([confirmed, refunded, cancelled], [1, 0, 0]),
            status => assert_eq!((status, [confirmed, refunded, cancelled]), (Status::Cancelled, [0, 1, 1])),
        }
    }
}

const ALL: [Status; 7] = [
    Status::Pending,
    Status::Processing,
    Status::Confirmed,
    Status::Refunded,
    Status::Cancelled,
    Status::Refused,
    Status::Expired,
];

/// Whoever cancels the order has the last word: no money is taken any more.
fn takes_no_money(story: &Moment<'_>) {
    let cancelled = story.published::<CancelOrder>();
    let payments = story.rows::<Payment>();
    for order in cancelled.iter().map(|cancelled| cancelled.order_id) {
        let payment = payments.iter().find(|payment| payment.order_id == order);
        assert!(payment.is_some_and(Payment::has_ended), "{payment:?}");
    }
}

#[test]
fn payment_has_every_property_of_a_service() {
    let properties = Properties::of(payment::choreography(Patience::default()))
        .excludes(is_unasked)
        .keeps("an order is paid, refunded and cancelled once", ends_once)
        .keeps("the money for an order is requested as one operation", requests_one_operation)
        .race::<ExpirePayment, ConfirmPayment>(first_wins)
        .race::<ExpirePayment, DeclinePayment>(first_wins)
        .race::<RetryDebit, WalletDebited>(answer_settles)
        .race::<CancelPayment, ConfirmPayment>(takes_no_money)
        .race::<CancelPayment, WalletDebited>(takes_no_money)
        .race::<WalletDebited, DeclinePayment>(takes_answer_or_refunds);
    let reaches = |properties: Properties, status: Status| {
        properties.reaches(format!("a payment that is {status:?}"), move |story| {
            story.rows::<Payment>().iter().any(|payment| payment.status == status)
        })
    };
    ALL.into_iter().fold(properties, reaches).check();
}
