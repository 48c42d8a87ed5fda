//! How the payloads of messages look: JSON Schemas from the messages' types.
//!
//! What must hold: a message whose type does not derive `utoipa::ToSchema` has no schema, and compiles all the same.

use std::fmt::{self, Debug, Formatter};
use std::marker::PhantomData;

#[cfg(feature = "asyncapi")]
use serde_json::Value;

/// The JSON Schema of a message's payload, with all schemas that it refers to.
#[derive(Debug, Clone, PartialEq)]
pub struct PayloadSchema {
    /// The name of the message's type.
    #[cfg(feature = "asyncapi")]
    pub(crate) name: String,
    /// The schemas of the message's type and of all types in it, with their names. They refer to each other by
    /// `#/components/schemas/<name>`.
    #[cfg(feature = "asyncapi")]
    pub(crate) schemas: Vec<(String, Value)>,
}

/// The type of a payload. The derive of [`Message`](trait@crate::Message) calls `PayloadOf::<Self>::schema()`, which is
/// the function below if the type derives `ToSchema`, and else that of [`Undescribed`].
#[derive(Debug)]
pub struct PayloadOf<M>(PhantomData<M>);

#[cfg(feature = "asyncapi")]
impl<M: utoipa::ToSchema> PayloadOf<M> {
    /// Returns the schema of a payload of this type.
    pub fn schema() -> Option<PayloadSchema> {
        let mut schemas = Vec::new();
        M::schemas(&mut schemas);
        let name = M::name().into_owned();
        schemas.push((name.clone(), M::schema()));
        let json = |schema| serde_json::to_value(schema).expect("a schema can be written as JSON");
        Some(PayloadSchema { name, schemas: schemas.into_iter().map(|(name, schema)| (name, json(schema))).collect() })
    }
}

/// A type without a schema.
pub trait Undescribed {
    /// Returns none.
    fn schema() -> Option<PayloadSchema> {
        None
    }
}

impl<M> Undescribed for PayloadOf<M> {}

/// The function that returns the schema of a payload. All are equal: a message's name and version say which it is.
#[derive(Clone, Copy)]
pub(crate) struct PayloadType(
    #[cfg_attr(not(feature = "asyncapi"), allow(dead_code, reason = "only the AsyncAPI document shows payloads"))]
    pub  fn() -> Option<PayloadSchema>,
);

impl PartialEq for PayloadType {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for PayloadType {}

impl Debug for PayloadType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("PayloadType")
    }
}
