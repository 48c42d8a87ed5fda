//! The properties of notify.

use choreography::testing::check_properties;
use notify::contacts::Contacts;
use notify::mailer::Mailer;

#[test]
fn notify_has_every_property_of_a_service() {
    check_properties(notify::choreography(Mailer::default(), Contacts::unreachable()));
}
