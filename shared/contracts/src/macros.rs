//! Macros for the types that are alike: ids, and checked words.

/// An id: a UUID of a type of its own, so that the compiler refuses another one's.
macro_rules! id {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        #[serde(transparent)]
        #[schema(value_type = uuid::Uuid)]
        pub struct $name(uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(id: uuid::Uuid) -> Self {
                Self(id)
            }
        }
    };
}
pub(crate) use id;

/// A string that is checked when it is made, and described by its lengths and a regular expression.
macro_rules! checked {
    (
        $(#[$meta:meta])* $name:ident, $error:ty, $check:expr,
        length = ($length_min:expr, $length_max:expr), pattern = $pattern:expr
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                ($check)(&text)?;
                Ok(Self(text))
            }
        }

        impl std::str::FromStr for $name {
            type Err = $error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::schema::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .min_length(Some($length_min))
                    .max_length(Some($length_max))
                    .pattern(Some($pattern))
                    .into()
            }
        }

        impl utoipa::ToSchema for $name {}
    };
}
pub(crate) use checked;

/// A word that can be part of a subject and of a path.
macro_rules! word {
    ($(#[$meta:meta])* $name:ident) => {
        $crate::macros::checked! {
            $(#[$meta])*
            $name, $crate::words::BadWord, |text: &str| $crate::words::check(stringify!($name), text),
            length = (1, $crate::words::WORD_LENGTH_MAX), pattern = $crate::words::PATTERN
        }
    };
}
pub(crate) use word;

/// A text of one line.
macro_rules! text {
    ($(#[$meta:meta])* $name:ident, $kind:literal, $length_max:literal) => {
        $crate::macros::checked! {
            $(#[$meta])*
            $name, $crate::text::BadText, |text: &str| $crate::text::check($kind, $length_max, text),
            length = (1, $length_max), pattern = $crate::text::pattern()
        }
    };
}
pub(crate) use text;
