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

impl Display for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Development => f.write_str("the development key"),
            Self::File(path) => path.display().fmt(f),
            Self::Url(url) => f.write_str(url),
        }
    }
}
