//! E-mail addresses.
//!
//! What must hold: the mailer can write to every [`EmailAddress`], so they are a part of what RFC 5321 allows: a local
//! part without quotes, and the name of a host, all in ASCII.

use crate::macros::checked;

/// The longest address, in bytes (RFC 5321, section 4.5.3.1.3, without the brackets).
const LENGTH_MAX: usize = 254;
/// The longest part before the `@`, in bytes (RFC 5321, section 4.5.3.1.1).
const LOCAL_LENGTH_MAX: usize = 64;
/// The longest part of a host's name, in bytes (RFC 1035, section 2.3.4).
const LABEL_LENGTH_MAX: usize = 63;

/// What is accepted, besides the length of the whole.
const PATTERN: &str = "^(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@\
    ([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$";

checked! {
    /// An e-mail address that can be written to, such as `ada@example.com`.
    EmailAddress, BadEmailAddress, check, length = (3, LENGTH_MAX), pattern = PATTERN
}

/// A text that is no address that can be written to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "write an e-mail address such as ada@example.com: ASCII without quotes before the @, the name of a host after it"
)]
pub struct BadEmailAddress;

fn check(text: &str) -> Result<(), BadEmailAddress> {
    let (local, host) = text.split_once('@').ok_or(BadEmailAddress)?;
    let good = text.len() <= LENGTH_MAX && is_local_part(local) && is_host(host);
    if good { Ok(()) } else { Err(BadEmailAddress) }
}

/// Whether a text is words of RFC 5322's `atext`, with dots between them.
fn is_local_part(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+/=?^_`{|}~-".contains(&byte);
    text.len() <= LOCAL_LENGTH_MAX && text.split('.').all(|word| !word.is_empty() && word.bytes().all(allowed))
}

/// Whether a text is a host's name. The last part begins with a letter, or it would be an IP address.
fn is_host(text: &str) -> bool {
    let is_label = |label: &str| {
        let bytes = label.as_bytes();
        bytes.len() <= LABEL_LENGTH_MAX
            && bytes.first().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.last().is_some_and(u8::is_ascii_alphanumeric)
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.split('.').all(is_label) && last.starts_with(|first: char| first.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_can_be_written_to() {
        let longest_local = format!("{}@example.com", "a".repeat(64));
        for good in ["ada@example.com", "a.b+tag@x-y.example", "o'hara!#$%@1.example", "root@localhost", &longest_local]
        {
            assert_eq!(good.parse::<EmailAddress>().unwrap().as_str(), good);
        }
        let (long_local, long_label) = (format!("{}@example.com", "a".repeat(65)), format!("a@{}.com", "b".repeat(64)));
        let long = format!("a@{}.com", "abcdefgh.".repeat(28));
        for bad in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@example.com\r\nbcc: all@example.com",
            " ada@example.com",
            r#""ada lovelace"@example.com"#,
            r#""ada"@example.com"#,
            "ada@[127.0.0.1]",
            "ada@127.0.0.1",
            "a@[IPv6:::1]",
            ".ada@example.com",
            "a..b@example.com",
            "ada@-x.com",
            "ada@x..com",
            "ada@x.com.",
            "ada@b@example.com",
            "äda@example.com",
            "ada@müller.de",
            "Ada <ada@example.com>",
            "ada@exa\u{202e}mple.com",
            &long_local,
            &long_label,
            &long,
        ] {
            assert_eq!(bad.parse::<EmailAddress>(), Err(BadEmailAddress), "{bad:?}");
        }
    }
}
