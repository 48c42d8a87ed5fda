//! Whether a type is an enum that is written as JSON with the variant's name around its data.

use serde::de::value::Error;
use serde::de::{Deserialize, Deserializer, Error as _, Visitor};
use serde::forward_to_deserialize_any;

/// Whether a type is an enum whose JSON is the name of the variant, with the data within if it has some:
/// `{"Paid": {"amount": 3}}`. One with `#[serde(tag = …)]` or `untagged` is not.
pub(crate) fn is_tagged_by_name<'de, T: Deserialize<'de>>() -> bool {
    let mut asked = Asked { for_variant: false };
    let _ = T::deserialize(&mut asked);
    asked.for_variant
}

/// Notes what a type asks for, and gives it nothing.
struct Asked {
    for_variant: bool,
}

impl<'de> Deserializer<'de> for &mut Asked {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("there is no value"))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.for_variant = true;
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct identifier ignored_any
    }
}
