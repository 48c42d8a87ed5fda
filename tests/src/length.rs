//! The lengths of tests that shrink what takes long on a running shop. Each can be shown at its full length, too.

/// Returns a number that the environment sets, or its default: how often something happens, or how many seconds it takes.
///
/// # Panics
/// When the variable is no number.
pub fn length(variable: &str, default: u64) -> u64 {
    let set = std::env::var(variable).ok();
    set.map_or(default, |set| set.parse().unwrap_or_else(|_| panic!("{variable} is no number: {set}")))
}
