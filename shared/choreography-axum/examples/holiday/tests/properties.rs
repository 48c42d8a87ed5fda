//! The properties of the three services.

use choreography::testing::check_properties;
use holiday::services;

#[test]
fn every_service_has_the_properties_of_one() {
    services().into_iter().for_each(check_properties);
}
