//! Two services: a shop sells books, and a cashier takes the money. A sale that the customer can't pay is cancelled.

use choreography::testing::Harness;
use choreography::{Choreography, Command, Dead, Message, Rejected, Row};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "sell-book", key = sale, row = Sale)]
struct SellBook {
    sale: u32,
    price_minor: u64,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "take-money", key = sale, role = step)]
struct TakeMoney {
    sale: u32,
    price_minor: u64,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "cancel-sale", key = sale, role = compensation)]
struct CancelSale {
    sale: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "sale", key = u32)]
struct Sale {
    cancelled: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "bill", key = u32, final = is_settled)]
struct Bill {
    paid: bool,
}

impl Bill {
    /// Whether the story of a bill has ended: paid or not, no other message moves it on.
    fn is_settled(&self) -> bool {
        true
    }
}

/// The shop sells a book: the cashier is to take the money.
fn sell_book(command: &SellBook, sale: &mut Option<Sale>) -> Result<TakeMoney, Rejected> {
    if sale.is_some() {
        return Err(Rejected::new("sold-already", "This sale was made already."));
    }
    *sale = Some(Sale { cancelled: false });
    Ok(TakeMoney { sale: command.sale, price_minor: command.price_minor })
}

/// The cashier takes the money; customers have at most 10.00.
fn take_money(message: &TakeMoney, bill: &mut Option<Bill>) -> Option<CancelSale> {
    if bill.is_some() {
        return None; // run a second time, it changes nothing and publishes nothing
    }
    let paid = message.price_minor <= 1_000;
    *bill = Some(Bill { paid });
    (!paid).then_some(CancelSale { sale: message.sale })
}

/// The message to take the money has died: the sale is cancelled.
fn give_up(dead: &Dead<TakeMoney>, bill: &mut Option<Bill>) -> Option<CancelSale> {
    if bill.is_some() {
        return None;
    }
    *bill = Some(Bill { paid: false });
    Some(CancelSale { sale: *dead.key() })
}

/// The shop cancels the sale.
fn cancel_sale(_: &CancelSale, sale: &mut Option<Sale>) {
    *sale = Some(Sale { cancelled: true });
}

fn main() {
    let shop = Choreography::new("shop").command(sell_book).compensate(cancel_sale);
    let cashier = Choreography::new("cashier").on(take_money).fallback(give_up);
    let town = Harness::of([shop, cashier]);

    town.execute(SellBook { sale: 1, price_minor: 700 }).expect("a book was sold");
    town.execute(SellBook { sale: 2, price_minor: 7_000 }).expect("a book was sold");
    let again = town.execute(SellBook { sale: 1, price_minor: 700 });
    println!("sale 1 again: {}", again.expect_err("it was sold already"));

    town.until::<Bill>(&1, |bill| bill.paid);
    town.until::<Sale>(&2, |sale| sale.cancelled);
    for message in town.published() {
        println!("{message} {}", message.key());
    }
}

// Output:
// sale 1 again: This sale was made already.
// shop.take-money 1
// shop.take-money 2
// cashier.cancel-sale 2
