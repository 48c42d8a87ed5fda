//! Routes whose request body is the command itself.

use axum::extract::State;
use axum::routing::post;
use choreography::{Command, Service};
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, OperationBuilder, PathItem, PathsBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, Ref, Required, ResponseBuilder};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{Idempotent, Json, Problem};

/// Returns a route `POST <path>` that executes the command in its body, and responds with the command's row.
///
/// `summary` describes it in `/openapi.json`. An `idempotency-key` is respected, not required.
///
/// ```
/// # use choreography::{Choreography, Command, Row, Service};
/// # use choreography_axum::post_command;
/// # use serde::{Deserialize, Serialize};
/// # use utoipa::ToSchema;
/// # use utoipa_axum::router::OpenApiRouter;
/// #[derive(Clone, Serialize, Deserialize, ToSchema, Command)]
/// #[command(name = "open-door", key = door, row = Door)]
/// struct OpenDoor {
///     door: u32,
/// }
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema, Row)]
/// #[row(table = "door", key = u32)]
/// struct Door {
///     open: bool,
/// }
///
/// fn routes() -> OpenApiRouter<Service> {
///     OpenApiRouter::new().routes(post_command::<OpenDoor>("/doors", "Opens a door."))
/// }
/// # let _ = routes();
/// ```
pub fn post_command<C>(path: &str, summary: &str) -> UtoipaMethodRouter<Service>
where
    C: Command + ToSchema,
    C::Row: ToSchema,
{
    let mut schemas = Vec::new();
    C::schemas(&mut schemas);
    C::Row::schemas(&mut schemas);
    Problem::schemas(&mut schemas);
    schemas.extend([named::<C>(), named::<C::Row>(), named::<Problem>()]);
    let body = RequestBodyBuilder::new().required(Some(Required::True)).content("application/json", content::<C>());
    let row = ResponseBuilder::new()
        .description("The row after the commit.")
        .content("application/json", content::<C::Row>());
    let problem = ResponseBuilder::new().description("Nothing was changed.");
    let problem = problem.content("application/problem+json", content::<Problem>());
    let operation = OperationBuilder::new()
        .operation_id(Some(C::NAME))
        .summary(Some(summary))
        .request_body(Some(body.build()))
        .response("200", row)
        .response("default", problem);
    let paths = PathsBuilder::new().path(path, PathItem::new(HttpMethod::Post, operation));
    (schemas, paths.build(), post(execute::<C>))
}

type Named = (String, utoipa::openapi::RefOr<utoipa::openapi::Schema>);

fn named<T: ToSchema>() -> Named {
    (T::name().into_owned(), T::schema())
}

fn content<T: ToSchema>() -> utoipa::openapi::Content {
    ContentBuilder::new().schema(Some(Ref::from_schema_name(T::name()))).build()
}

async fn execute<C: Command>(
    State(service): State<Service>,
    Idempotent { body, request }: Idempotent<C>,
) -> Result<Json<C::Row>, Problem> {
    Ok(Json(service.execute_as(body, request).await?))
}
