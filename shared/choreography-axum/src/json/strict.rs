//! Reads a type from a tree of JSON values, strictly: what the type's description calls an object must be one.
//!
//! serde's derive also accepts an array of a struct's fields in their order, an object for a variant without content,
//! and for some types, such as UUIDs, an array of bytes. None of them is accepted here, at no depth. (What serde buffers
//! first, inside of `untagged`, `tag` and `flatten`, can't be checked: bodies have no such types.)

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, Unexpected, VariantAccess, Visitor,
};
use serde_json::{Error, Map, Value};

/// A tree that is read strictly.
pub(super) struct Strict(pub(super) Value);

macro_rules! without_content {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.0.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Strict {
    type Error = Error;

    without_content! {
        deserialize_bool deserialize_char deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_unit deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => read_array(items, visitor),
            Value::Object(entries) => read_object(entries, visitor),
            value => value.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        self.0.deserialize_unit_struct(name, visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => read_array(items, visitor),
            other => other.deserialize_seq(visitor), // the error
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(entries) => read_object(entries, visitor),
            other => other.deserialize_map(visitor), // the error
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(entries) if entries.len() == 1 => {
                let entry = entries.into_iter().next().map(|(variant, content)| Variant { variant, content });
                visitor.visit_enum(entry.ok_or_else(|| Error::custom("an object without a variant"))?)
            }
            other => other.deserialize_enum(name, variants, visitor), // a variant without content, or the error
        }
    }
}

impl IntoDeserializer<'_, Error> for Strict {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn read_array<'de, V: Visitor<'de>>(items: Vec<Value>, visitor: V) -> Result<V::Value, Error> {
    let mut items = SeqDeserializer::new(items.into_iter().map(Strict));
    let value = visitor.visit_seq(&mut items)?;
    items.end().map(|()| value)
}

fn read_object<'de, V: Visitor<'de>>(entries: Map<String, Value>, visitor: V) -> Result<V::Value, Error> {
    let mut entries = MapDeserializer::new(entries.into_iter().map(|(key, value)| (key, Strict(value))));
    let value = visitor.visit_map(&mut entries)?;
    entries.end().map(|()| value)
}

/// A variant with its content: an object with one entry.
struct Variant {
    variant: String,
    content: Value,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Strict;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Strict), Error> {
        let variant = seed.deserialize(self.variant.into_deserializer());
        variant.map(|variant: S::Value| (variant, Strict(self.content)))
    }
}

impl<'de> VariantAccess<'de> for Strict {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Err(Error::invalid_type(Unexpected::Map, &"a string"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;
    use uuid::Uuid;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        inner: Vec<Inner>,
        #[serde(default)]
        wrapped: Option<Wrapped>,
        #[serde(default)]
        shape: Option<Shape>,
        #[serde(default)]
        pair: Option<(u8, Inner)>,
        #[serde(default)]
        id: Option<Uuid>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Inner {
        count: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Wrapped(Inner);

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Shape {
        Point,
        Circle(Inner),
        Square { side: Inner },
    }

    fn read(value: Value) -> Result<Outer, Error> {
        Outer::deserialize(Strict(value))
    }

    #[test]
    fn an_array_passes_for_an_object_nowhere() {
        let one = json!({"count": 1});
        for good in [
            json!({"inner": [one, one]}),
            json!({"inner": [], "wrapped": one, "shape": "point", "pair": [1, one], "id": Uuid::nil()}),
            json!({"inner": [], "wrapped": null, "shape": {"circle": one}}),
            json!({"inner": [], "shape": {"square": {"side": one}}}),
        ] {
            assert!(read(good.clone()).is_ok(), "{good}: {:?}", read(good.clone()));
            let plain: Outer = serde_json::from_value(good.clone()).unwrap();
            assert_eq!(read(good).unwrap(), plain);
        }
        for bad in [
            json!([[one], null, null, null, null]),
            json!({"inner": [[1]]}),
            json!({"inner": [], "wrapped": [1]}),
            json!({"inner": [], "shape": {"point": null}}),
            json!({"inner": [], "shape": {"circle": [1]}}),
            json!({"inner": [], "shape": {"square": [one]}}),
            json!({"inner": [], "shape": {"square": {"side": [1]}}}),
            json!({"inner": [], "pair": [1, [1]]}),
            json!({"inner": [], "pair": [1, one, one]}),
            json!({"inner": [], "id": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}),
            json!({"inner": {"count": 1}}),
        ] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }
}
