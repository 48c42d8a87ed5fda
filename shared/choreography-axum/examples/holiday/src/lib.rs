//! A holiday needs a flight and a hotel: three services, and no coordinator.

pub mod flight;
pub mod hotel;
pub mod messages;
pub mod trip;

/// Returns the whole choreography.
pub fn services() -> [choreography::Choreography; 3] {
    [trip::choreography(), flight::choreography(), hotel::choreography()]
}
