//! Completes `/openapi.json`: what every route may respond when a request or the service is at fault is added here, once.

use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

use crate::Problem;

const JSON: &str = "application/json";
const PROBLEM_JSON: &str = "application/problem+json";

/// What may be wrong with a request that has parameters.
const OF_PARAMETERS: [(&str, &str); 1] = [("400", "The request can't be read")];
/// What may be wrong with a request that has a body.
const OF_BODY: [(&str, &str); 5] = [
    ("400", "The request can't be read"),
    ("408", "The body did not come in time"),
    ("413", "The body, or what it would publish, is too large"),
    ("415", "The body is not JSON in UTF-8"),
    ("422", "The content is invalid, or the idempotency key was used with another"),
];
/// What may be wrong with the service at any time.
const OF_SERVICE: [(&str, &str); 1] = [("503", "The service is busy, stopping or without its database: try again")];

/// Adds the problems that each operation may respond with and does not describe itself, and gives problems their media
/// type.
pub(crate) fn complete(api: &mut OpenApi) {
    for operation in api.paths.paths.values_mut().flat_map(operations) {
        let parameters = operation.parameters.as_ref().is_some_and(|parameters| !parameters.is_empty());
        let of_parameters = OF_PARAMETERS.iter().filter(|_| parameters);
        let of_body = OF_BODY.iter().filter(|_| operation.request_body.is_some());
        for (status, description) in of_parameters.chain(of_body).chain(&OF_SERVICE) {
            let responses = &mut operation.responses.responses;
            responses.entry((*status).to_owned()).or_insert_with(|| problem(description));
        }
        operation.responses.responses.values_mut().for_each(name_media_type);
    }
    let components = api.components.get_or_insert_with(|| ComponentsBuilder::new().build());
    let mut schemas = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = path;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

fn schema() -> Ref {
    Ref::from_schema_name(Problem::name())
}

fn problem(description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(schema())).build();
    ResponseBuilder::new().description(description).content(PROBLEM_JSON, content).build().into()
}

/// Gives the content its media type if it is a problem, which the derive describes as JSON.
fn name_media_type(response: &mut RefOr<Response>) {
    let RefOr::T(response) = response else { return };
    let is_problem = |content: &RefOr<utoipa::openapi::Content>| match content {
        RefOr::T(content) => matches!(&content.schema, Some(RefOr::Ref(named)) if *named == schema()),
        RefOr::Ref(_) => false,
    };
    if response.content.get(JSON).is_some_and(is_problem) {
        let content = response.content.shift_remove(JSON);
        response.content.extend(content.map(|content| (PROBLEM_JSON.to_owned(), content)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use utoipa_axum::router::OpenApiRouter;
    use utoipa_axum::routes;

    #[utoipa::path(get, path = "/things/{id}", params(("id" = u32, Path)), responses(
        (status = 200, body = u32), (status = 404, description = "none", body = Problem),
    ))]
    async fn thing() {}

    #[utoipa::path(post, path = "/things", request_body = u32, responses((status = 422, description = "own")))]
    async fn add() {}

    #[test]
    fn every_route_describes_its_problems_with_their_media_type() {
        let mut api = OpenApiRouter::<()>::new().routes(routes!(thing)).routes(routes!(add)).into_openapi();
        complete(&mut api);
        let api = serde_json::to_value(api).unwrap();
        let statuses = |pointer: &str| -> Vec<String> {
            api.pointer(pointer).and_then(Value::as_object).unwrap().keys().cloned().collect()
        };
        assert_eq!(statuses("/paths/~1things~1{id}/get/responses"), ["200", "400", "404", "503"]);
        assert_eq!(statuses("/paths/~1things/post/responses"), ["400", "408", "413", "415", "422", "503"]);
        assert_eq!(statuses("/paths/~1things~1{id}/get/responses/404/content"), [PROBLEM_JSON]);
        assert_eq!(statuses("/paths/~1things~1{id}/get/responses/200/content"), ["text/plain"]);
        assert_eq!(api.pointer("/paths/~1things/post/responses/422/description").unwrap(), "own");
        assert!(api.pointer("/components/schemas/InvalidField").is_some());
    }
}
