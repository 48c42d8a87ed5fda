//! The copies of files that operators make in a harness.

use std::collections::BTreeMap;

use crate::bus::memory::StoredCopy;
use crate::store::memory::MemoryCopy;

/// The last copies that were made of the server's and the services' files.
#[derive(Default)]
pub(super) struct Copies {
    pub(super) server: Option<StoredCopy>,
    pub(super) databases: BTreeMap<&'static str, MemoryCopy>,
}
