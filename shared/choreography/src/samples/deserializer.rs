//! Draws a value of a type by deserializing it: whatever the type asks for is chosen here.

use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, Visitor};
use serde_json::Value;

use super::Draw;
use super::compound::{Elements, Entries, Fields, Variant};
use super::drawing::{DEPTH_MAX, Drawing};

/// How many candidates are refused before a type counts as one that can't be drawn.
const REFUSALS_MAX: usize = 1_000;
const FLOATS: [f64; 3] = [1.0, 0.5, 0.0];
/// An optional value is left out for one choice of this many.
const LEFT_OUT_OF: usize = 3;

/// Draws a payload of a version, as JSON.
///
/// # Errors
/// The type hides its fields, or refuses every candidate for a field.
pub(super) fn draw(read: Draw, version: u32, drawing: &mut Drawing<'_>) -> Result<Value, String> {
    let (begin, depth) = (drawing.next, drawing.path.len());
    for _ in 0..REFUSALS_MAX {
        (drawing.next, drawing.depth, drawing.last) = (begin, 0, None);
        drawing.path.truncate(depth);
        match read(version, drawing) {
            Ok(payload) => return Ok(payload),
            Err(error) => {
                let Some(refused) = drawing.last.take() else { return Err(error) };
                if !drawing.refused.insert(refused) {
                    return Err(error);
                }
            }
        }
    }
    Err(format!("it refuses all of {REFUSALS_MAX} samples"))
}

macro_rules! numbers {
    ($($deserialize:ident $visit:ident $number:ty),*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(<$number>::try_from(self.number()?).map_err(Error::custom)?)
        })*
    };
}

macro_rules! hidden {
    ($($deserialize:ident)*) => {
        $(fn $deserialize<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
            Err(self.hidden())
        })*
    };
}

impl<'de> Deserializer<'de> for &mut Drawing<'_> {
    type Error = Error;

    numbers! {
        deserialize_i8 visit_i8 i8, deserialize_i16 visit_i16 i16, deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64, deserialize_i128 visit_i128 i128, deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16, deserialize_u32 visit_u32 u32, deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128
    }
    hidden! { deserialize_any deserialize_bytes deserialize_byte_buf deserialize_identifier }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.choose(2) == 1)
    }
    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_f64(FLOATS[self.choose(FLOATS.len())])
    }
    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_char(['a', 'b', '0'][self.choose(3)])
    }
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text()?)
    }
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.text()?)
    }
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.depth += 1;
        if self.depth > DEPTH_MAX || self.choose(LEFT_OUT_OF) == 0 {
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.length();
        visitor.visit_seq(Elements { drawing: self, left })
    }
    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { drawing: self, left })
    }
    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements { drawing: self, left })
    }
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = self.length();
        visitor.visit_map(Entries { drawing: self, left })
    }
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Fields { drawing: self, left: fields })
    }
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.depth += 1;
        let index = if self.depth > DEPTH_MAX { 0 } else { self.choose(variants.len()) };
        let Some(name) = variants.get(index).copied() else { return Err(self.hidden()) };
        visitor.visit_enum(Variant { drawing: self, name })
    }
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }
}
