//! The fields of an address: in an order, of an order that moves, and in a profile.

use contracts::{AddressLine, Zone};
use maud::{Markup, html};

use super::field::{Field, Wrong};

/// The longest address, in characters.
const LINE_LENGTH_MAX: usize = 500;
/// The longest name of a zone, in characters.
const ZONE_LENGTH_MAX: usize = 64;

/// Returns the two fields.
pub(super) fn fields(line: &str, zone: &str, is_required: bool, wrong: &Wrong) -> Markup {
    let line = Field {
        name: "line",
        label: "Street, number and town",
        value: line,
        autocomplete: Some("street-address"),
        length_max: LINE_LENGTH_MAX,
        is_required,
        ..Field::default()
    };
    let zone = Field {
        name: "zone",
        label: "Delivery zone",
        value: zone,
        length_max: ZONE_LENGTH_MAX,
        is_required,
        hint: Some("Such as north or south"),
        ..Field::default()
    };
    html! { div.pair { (line.draw(wrong)) (zone.draw(wrong)) } }
}

/// Returns the address in the fields; none, and notes what is wrong, if it is no address.
pub(super) fn check(line: &str, zone: &str, wrong: &mut Wrong) -> Option<(AddressLine, Zone)> {
    let line = wrong.checked("line", line);
    // People write names with a capital letter.
    let zone = wrong.checked("zone", &zone.to_lowercase());
    Some((line?, zone?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_as_order_does_and_both_faults_are_told() {
        let mut wrong = Wrong::default();
        let (line, zone) = check(" 1 Hill Road ", "North", &mut wrong).unwrap();
        assert_eq!((line.as_str(), zone.as_str(), wrong.is_nothing()), ("1 Hill Road", "north", true));
        assert_eq!(check("", "far away", &mut wrong), None);
        assert!(wrong.is_first("line") && wrong.with("zone").is_some(), "{wrong:?}");
    }
}
