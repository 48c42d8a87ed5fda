//! Ids that are derived from other ids, so that a repeated reaction makes the same ids.

use uuid::Uuid;

/// Returns the id that is derived from another id and a label.
///
/// It is a UUID of version 7 that keeps the time of the other id, so that related ids sort together; its remaining bits
/// are a name-based hash (RFC 9562, section 5.5) of both.
pub(crate) fn derived_id(from: Uuid, label: &str) -> Uuid {
    let mut bytes = *Uuid::new_v5(&from, label.as_bytes()).as_bytes();
    bytes[..6].copy_from_slice(&from.as_bytes()[..6]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    Uuid::from_bytes(bytes)
}

/// Returns the id of the `index`th message that a function of a service has published. `part` says which of the functions
/// that belong to the cause it was.
pub(crate) fn published_id(cause: Uuid, service: &str, part: &str, name: &str, index: usize) -> Uuid {
    derived_id(cause, &[service, "/", part, "/", name, "/", &index.to_string()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_id_and_label_give_the_same_derived_id() {
        let parent = Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001);
        let child = derived_id(parent, "payment");
        assert_eq!(child, derived_id(parent, "payment"));
        assert_ne!(child, derived_id(parent, "delivery"));
        assert_eq!(child.get_version_num(), 7);
        assert_eq!(child.as_bytes()[..6], parent.as_bytes()[..6]);
    }
}
