//! The command that repeats an input.

/// Returns the command that repeats an input.
pub(crate) fn again(target: &str, input: &[u8]) -> String {
    format!("again: FUZZ_INPUT={} cargo test -p shop-tests --test fuzz -- --exact {target}", hex(input))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
