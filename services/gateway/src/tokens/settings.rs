//! Whose tokens count.

use std::convert::Infallible;
use std::fmt::{self, Display};
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Whose tokens count.
#[derive(Debug, Clone, Args)]
pub struct TokenSettings {
    /// The issuer's public keys: the URL or the file of a JSON Web Key Set, which is read again every 5 minutes and when
    /// a token names an unknown key. Without it the development key counts, which everybody knows
    #[arg(long, env = "TOKEN_KEYS")]
    pub token_keys: Option<KeySource>,
    /// Who issues tokens: their `iss`
    #[arg(long, env = "TOKEN_ISSUER", default_value = "shop-development")]
    pub token_issuer: String,
    /// What tokens are for: their `aud`
    #[arg(long, env = "TOKEN_AUDIENCE", default_value = "shop")]
    pub token_audience: String,
}

impl TokenSettings {
    /// Returns where the keys come from.
    pub fn source(&self) -> KeySource {
        self.token_keys.clone().unwrap_or(KeySource::Development)
    }

    /// Whether the development key counts.
    pub fn is_development(&self) -> bool {
        self.source() == KeySource::Development
    }
}

/// Where the keys of tokens come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The key that is compiled in, for a laptop.
    Development,
    /// A key set in a file.
    File(PathBuf),
    /// A key set at a URL.
    Url(String),
}

impl FromStr for KeySource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let is_url = text.starts_with("https://") || text.starts_with("http://");
        Ok(match text {
            "" => Self::Development,
            url if is_url => Self::Url(url.to_owned()),
            path => Self::File(path.into()),
        })
    }
}

/// Shows where the keys come from, for logs and errors: of a URL no login and no query, which may hold secrets.
impl Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Development => f.write_str("the development key"),
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or_default();
                // A login that is not written as it must be may have any character, so everything before its end goes.
                let address = rest.rsplit('@').next().unwrap_or_default();
                write!(f, "{scheme}://{}", address.split('?').next().unwrap_or_default())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_login_of_a_key_set_is_never_shown() {
        for (url, shown) in [
            ("https://issuer.example/keys", "https://issuer.example/keys"),
            ("https://shop:secret@issuer.example:8443/keys?key=secret", "https://issuer.example:8443/keys"),
            ("http://shop:se/c?r@[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(url.parse::<KeySource>().unwrap().to_string(), shown);
        }
    }
}
