//! What a field that is a text may be. Its type refuses what it does not take, and the next group is tried.

use uuid::Uuid;

/// How many candidates of the field's own there are: some messages agree in a field, others don't.
const ALTERNATIVES: usize = 3;

/// Returns groups of texts for a field of this name, to be tried in this order. Words and ids have the field's name in
/// them, so that fields of one name are equal more often than others: `room` and the elements of `rooms`, too.
pub(super) fn groups(field: &str) -> Vec<Vec<String>> {
    let name = field.trim_matches('_').trim_end_matches('s').replace('_', "-");
    let words = (0..ALTERNATIVES).map(|index| format!("{name}-{index}"));
    let ids = (0..ALTERNATIVES).map(|index| id(&name, index).to_string());
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    vec![
        words.collect(),
        ids.collect(),
        texts(&["1", "2", "3"]),
        texts(&["EUR", "USD"]),
        texts(&["2026-01-01T00:00:00Z", "2026-01-02T12:00:00Z"]),
        texts(&["2026-01-01", "12:00:00", "2026-01-01T12:00:00", "PT15M", "15m"]),
        texts(&["a@example.org", "b@example.org"]),
        texts(&["https://example.org/a", "192.0.2.1", "192.0.2.1:80", "2001:db8::1"]),
        texts(&["DE", "de", "A", "a", "0.5", ""]),
    ]
}

/// Returns an id of version 7 that derives from a field's name.
fn id(name: &str, index: usize) -> Uuid {
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{name}-{index}").as_bytes());
    let mut bytes = *hash.as_bytes();
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    Uuid::from_bytes(bytes)
}
