use choreography::{Choreography, Command, Dead, Message, Rejected, Row};
use serde::{Deserialize, Serialize};

// Messages. Each has a key; what a service publishes under one key is processed in that order.

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "take-money", key = sale, role = step)]
struct TakeMoney { sale: u32, price_minor: u64 }

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "cancel-sale", key = sale, role = compensation)]
struct CancelSale { sale: u32 }

// A command: a message from a caller, who gets the row as it is after the commit.

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "sell-book", key = sale, row = Sale)]
struct SellBook { sale: u32, price_minor: u64 }

// Rows: what the services store, each service in a database of its own. `final` names the method that says whether the
// story of a row has ended.

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "sale", key = u32)]
struct Sale { cancelled: bool }

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "bill", key = u32, final = is_settled)]
struct Bill { paid: bool }

impl Bill {
    fn is_settled(&self) -> bool {
        true // paid or not, no other message moves a bill on
    }
}

// The shop. A command handler may reject; then nothing changes.

fn sell_book(command: &SellBook, sale: &mut Option<Sale>) -> Result<TakeMoney, Rejected> {
    if sale.is_some() {
        return Err(Rejected::new("sold-already", "This sale was made already."));
    }
    *sale = Some(Sale { cancelled: false });
    Ok(TakeMoney { sale: command.sale, price_minor: command.price_minor })
}

// A compensation may overtake what it compensates, so its row may be missing. The row that it writes then is a tombstone.

fn cancel_sale(_: &CancelSale, sale: &mut Option<Sale>) {
    *sale = Some(Sale { cancelled: true });
}

// The cashier. A reaction that runs a second time must change nothing and publish nothing.

fn take_money(message: &TakeMoney, bill: &mut Option<Bill>) -> Option<CancelSale> {
    if bill.is_some() {
        return None;
    }
    let paid = message.price_minor <= 1_000;
    *bill = Some(Bill { paid });
    (!paid).then_some(CancelSale { sale: message.sale })
}

// The fallback runs when the message has died: it expired, can't be read, or its reaction panicked.

fn give_up(dead: &Dead<TakeMoney>, bill: &mut Option<Bill>) -> Option<CancelSale> {
    if bill.is_some() {
        return None;
    }
    *bill = Some(Bill { paid: false });
    Some(CancelSale { sale: *dead.key() })
}

pub fn shop() -> Choreography {
    Choreography::new("shop").command(sell_book).compensate(cancel_sale)
}

pub fn cashier() -> Choreography {
    Choreography::new("cashier").on(take_money).fallback(give_up)
}

#[cfg(test)]
mod tests {
    use choreography::testing::{Harness, check_properties};

    use super::*;

    // The whole application in memory, under a clock that the test turns.
    #[test]
    fn a_sale_that_is_not_paid_is_cancelled() {
        let town = Harness::of([shop(), cashier()]);
        town.execute(SellBook { sale: 1, price_minor: 700 }).unwrap();
        town.execute(SellBook { sale: 2, price_minor: 7_000 }).unwrap();
        assert!(town.until::<Bill>(&1, |_| true).paid);
        town.until::<Sale>(&2, |sale| sale.cancelled);
        assert!(!town.get::<Sale>(&1).unwrap().cancelled);
    }

    #[test]
    fn the_services_have_the_properties() {
        check_properties(shop());
        check_properties(cashier());
    }
}
