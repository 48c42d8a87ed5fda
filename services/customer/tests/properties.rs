//! The properties of customer.

use choreography::testing::check_properties;

#[test]
fn customer_has_every_property_of_a_service() {
    check_properties(customer::choreography());
}
