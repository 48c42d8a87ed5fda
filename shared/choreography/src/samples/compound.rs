//! Lists, maps, structs and enums, as a [`Drawing`] hands them to a type.

use serde::de::value::{Error, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer as _, EnumAccess, IntoDeserializer as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::drawing::Drawing;

/// The elements of a list or tuple.
pub(super) struct Elements<'a, 'c> {
    pub(super) drawing: &'a mut Drawing<'c>,
    pub(super) left: usize,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Error;
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.drawing.depth += 1;
        seed.deserialize(&mut *self.drawing).map(Some)
    }
}

/// The entries of a map. Its keys are drawn as other values are.
pub(super) struct Entries<'a, 'c> {
    pub(super) drawing: &'a mut Drawing<'c>,
    pub(super) left: usize,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Error;
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.drawing.depth += 1;
        seed.deserialize(&mut *self.drawing).map(Some)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(&mut *self.drawing)
    }
}

/// The fields of a struct: all that it has.
pub(super) struct Fields<'a, 'c> {
    pub(super) drawing: &'a mut Drawing<'c>,
    pub(super) left: &'static [&'static str],
}

impl<'de> MapAccess<'de> for Fields<'_, '_> {
    type Error = Error;
    fn next_key_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        while let Some((field, left)) = self.left.split_first() {
            self.left = left;
            if self.drawing.enter(field) {
                let name: StrDeserializer<'_, Error> = field.into_deserializer();
                return seed.deserialize(name).map(Some);
            }
            self.drawing.leave();
        }
        Ok(None)
    }
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let value = seed.deserialize(&mut *self.drawing)?;
        self.drawing.leave();
        Ok(value)
    }
}

/// A variant of an enum.
pub(super) struct Variant<'a, 'c> {
    pub(super) drawing: &'a mut Drawing<'c>,
    pub(super) name: &'static str,
}

impl<'de> EnumAccess<'de> for Variant<'_, '_> {
    type Error = Error;
    type Variant = Self;
    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, Self), Error> {
        let name: StrDeserializer<'_, Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, '_> {
    type Error = Error;
    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.drawing)
    }
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        self.drawing.deserialize_tuple(length, visitor)
    }
    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        self.drawing.deserialize_struct("", fields, visitor)
    }
}
