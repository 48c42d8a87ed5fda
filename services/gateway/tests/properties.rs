//! The properties of the gateway.

use choreography::testing::check_properties;

#[test]
fn the_gateway_has_every_property_of_a_service() {
    check_properties(gateway::choreography());
}
