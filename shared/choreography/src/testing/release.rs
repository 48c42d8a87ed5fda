//! The releases of a service that run side by side in a story.

use serde::{Deserialize, Serialize};

/// A release of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Release {
    /// What [`World::services`](super::World::services) returns.
    #[default]
    Current,
    /// What [`World::earlier_services`](super::World::earlier_services) returns.
    Earlier,
}
