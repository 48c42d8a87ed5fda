//! The dealers of one zone. They are one row, because a delivery chooses among them.
//!
//! What must hold: a dealer never has more active deliveries than its capacity.

use choreography::{Column, Command, Rejected, Row};
use contracts::Zone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The largest number of dealers in a zone: all of them are read and written with each delivery.
pub const DEALERS_MAX: usize = 100;

/// Somebody who delivers orders in a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dealer {
    /// The dealer's name, once in each zone.
    pub name: String,
    /// How many deliveries the dealer takes at once.
    pub capacity: u32,
    /// How many deliveries are under way.
    pub active: u32,
}

/// A zone and its dealers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Row)]
#[row(table = "dealers", key = Zone)]
pub struct Dealers {
    /// The zone.
    pub zone: Zone,
    /// Its dealers, the oldest first.
    pub dealers: Vec<Dealer>,
}

impl Dealers {
    /// The column of the zone.
    pub const ZONE: Column<Self, Zone> = Column::new("key");

    /// Assigns a delivery to the dealer with the fewest active ones among those with room, and returns the dealer's
    /// name.
    pub fn assign(&mut self) -> Option<String> {
        let with_room = self.dealers.iter_mut().filter(|dealer| dealer.active < dealer.capacity);
        let dealer = with_room.min_by_key(|dealer| dealer.active)?;
        dealer.active += 1;
        Some(dealer.name.clone())
    }

    /// Removes a delivery from its dealer, who has room for another one then.
    pub fn release(&mut self, name: &str) {
        if let Some(dealer) = self.dealers.iter_mut().find(|dealer| dealer.name == name) {
            dealer.active = dealer.active.saturating_sub(1);
        }
    }

    /// Returns a dealer of the zone.
    pub fn dealer(&self, name: &str) -> Option<&Dealer> {
        self.dealers.iter().find(|dealer| dealer.name == name)
    }
}

/// Adds a dealer to a zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Command)]
#[command(name = "add-dealer", key = zone, row = Dealers)]
pub struct AddDealer {
    /// The zone.
    pub zone: Zone,
    /// The dealer's name.
    pub name: String,
    /// How many deliveries the dealer takes at once.
    pub capacity: u32,
}

/// The code of the rejection of a dealer that the zone has already.
pub const DEALER_EXISTS: &str = "dealer-exists";

/// Adds the dealer, unless the zone has one of that name or is full.
pub(crate) fn add_dealer(command: &AddDealer, dealers: &mut Option<Dealers>) -> Result<(), Rejected> {
    let AddDealer { zone, name, capacity } = command.clone();
    let dealers = dealers.get_or_insert_with(|| Dealers { zone, dealers: Vec::new() });
    if dealers.dealer(&name).is_some() {
        let detail = format!("{} has a dealer named {name} already: choose another name", dealers.zone);
        return Err(Rejected::new(DEALER_EXISTS, detail));
    }
    if dealers.dealers.len() >= DEALERS_MAX {
        return Err(Rejected::new(
            "zone-full",
            format!("{} has {DEALERS_MAX} dealers, which is the limit", dealers.zone),
        ));
    }
    dealers.dealers.push(Dealer { name, capacity, active: 0 });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn north(dealers: &[(&str, u32, u32)]) -> Dealers {
        let dealer = |(name, capacity, active): &(&str, u32, u32)| Dealer {
            name: (*name).to_owned(),
            capacity: *capacity,
            active: *active,
        };
        Dealers { zone: "north".parse().unwrap(), dealers: dealers.iter().map(dealer).collect() }
    }

    #[test]
    fn the_least_busy_dealer_with_room_is_chosen() {
        let cases: [(&[_], _); 6] = [
            (&[], None),
            (&[("ann", 0, 0)], None),
            (&[("ann", 2, 2)], None),
            (&[("ann", 2, 2), ("bob", 9, 5)], Some("bob")),
            (&[("ann", 9, 3), ("bob", 9, 1)], Some("bob")),
            (&[("ann", 9, 1), ("bob", 9, 1)], Some("ann")),
        ];
        for (dealers, chosen) in cases {
            let mut zone = north(dealers);
            assert_eq!(zone.assign().as_deref(), chosen, "{dealers:?}");
            let before: u32 = dealers.iter().map(|(_, _, active)| active).sum();
            let after: u32 = zone.dealers.iter().map(|dealer| dealer.active).sum();
            assert_eq!(after, before + u32::from(chosen.is_some()), "{dealers:?}");
        }
    }

    #[test]
    fn a_dealer_whose_delivery_ends_has_room_for_another_one() {
        let mut zone = north(&[("ann", 1, 0)]);
        assert_eq!(zone.assign().as_deref(), Some("ann"));
        assert_eq!(zone.assign(), None);
        zone.release("ann");
        assert_eq!(zone.assign().as_deref(), Some("ann"));
    }

    #[test]
    fn a_dealer_is_added_once_while_there_is_room_in_the_zone() {
        let full: Vec<String> = (0..DEALERS_MAX).map(|number| format!("dealer {number}")).collect();
        let full: Vec<_> = full.iter().map(|name| (name.as_str(), 1, 0)).collect();
        let cases = [
            (None, Ok(1)),
            (Some(north(&[("bob", 1, 1)])), Ok(2)),
            (Some(north(&[("ann", 1, 1)])), Err(DEALER_EXISTS.to_owned())),
            (Some(north(&full)), Err("zone-full".to_owned())),
        ];
        for (before, expected) in cases {
            let mut dealers = before;
            let command = AddDealer { zone: "north".parse().unwrap(), name: "ann".into(), capacity: 3 };
            let done = add_dealer(&command, &mut dealers);
            let done = done.map(|()| dealers.unwrap().dealers.len()).map_err(|rejected| rejected.code);
            assert_eq!(done, expected);
        }
    }
}
