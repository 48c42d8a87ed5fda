//! Errors as pages: says to a person what went wrong, and what can be done about it.
//!
//! What must hold: only a browser that asks for a page gets one, and never from under `/api`: programs get the problem.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::layout::{Page, Place};
use super::way_back::WayBack;
use crate::identity::{cookie, session_cookie};

/// The largest problem that is read, in bytes: its texts name what the request named, which is bounded too.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;
/// The problems whose details are about paths of the API, or about what a parser expected: a person gets no wiser by them.
const FOR_PROGRAMS: [&str; 5] = ["not-found", "method-not-allowed", "invalid-path", "invalid-query", "form-unreadable"];

/// Adds the pages of errors around everything that is served.
pub fn with_error_pages(app: Router) -> Router {
    app.layer(from_fn(error_page))
}

async fn error_page(request: Request, next: Next) -> Response {
    let asked = Asked::of(&request);
    let response = next.run(request).await;
    let is_page = header(response.headers(), &CONTENT_TYPE).starts_with("text/html");
    match asked {
        Some(asked) if response.status().as_u16() >= 400 && !is_page => asked.page(response).await,
        _ => response,
    }
}

/// What a person did who gets an error.
struct Asked {
    /// Whether it is safe to ask for the same again by a link.
    is_safe: bool,
    page: WayBack,
    /// The page of the shop that the person came from.
    from: Option<WayBack>,
    is_signed_in: bool,
}

impl Asked {
    /// Returns what a browser asked for; none if it is no browser, or no page that it asks for.
    fn of(request: &Request) -> Option<Self> {
        let (headers, path) = (request.headers(), request.uri().path());
        let wants_page = header(headers, &ACCEPT).contains("text/html");
        (wants_page && !path.starts_with("/api/")).then(|| Self {
            is_safe: request.method().is_safe(),
            page: WayBack::of(request.method(), request.uri(), headers),
            from: WayBack::from_page(headers),
            is_signed_in: [true, false]
                .into_iter()
                .any(|is_laptop| cookie(headers, session_cookie(is_laptop)).is_some()),
        })
    }

    async fn page(self, response: Response<Body>) -> Response {
        let (mut parts, body) = response.into_parts();
        let body = to_bytes(body, PROBLEM_BYTES_MAX).await.unwrap_or_default();
        let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
        let kind = problem["type"].as_str().and_then(|kind| kind.strip_prefix("urn:problem:")).unwrap_or_default();
        // What can't be the address of a page is an address without one, for a person.
        parts.status = if kind == "invalid-path" { StatusCode::NOT_FOUND } else { parts.status };
        let seconds = header(&parts.headers, &RETRY_AFTER).parse().ok();
        let (title, lead) = words(parts.status, seconds);
        let detail = problem["detail"].as_str();
        // What a service of the shop is called, and why it does not respond, is nothing that a person can change.
        let detail = detail.filter(|_| !parts.status.is_server_error() && !FOR_PROGRAMS.contains(&kind));
        let main = html! {
            div.head {
                h1 { (title) }
                p.lead { (lead) }
                @if let Some(detail) = detail { p.hint { (sentence(detail)) } }
            }
            (self.ways_on(parts.status))
        };
        let page = Page { title, place: Place::Elsewhere, is_signed_in: self.is_signed_in, main };
        let page = page.with_status(parts.status);
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.extend(page.headers().clone());
        Response::from_parts(parts, page.into_body())
    }

    fn ways_on(&self, status: StatusCode) -> Markup {
        let again = match (self.is_safe, &self.from) {
            (true, _) if is_for_now(status) => Some((&self.page, "Try again")),
            (false, Some(from)) => Some((from, "Back")),
            _ => None,
        };
        html! {
            div.actions {
                @if let Some((path, words)) = again { a.button href=(path) { (words) } }
                a.button.plain[again.is_some()] href="/" { "To the products" }
            }
        }
    }
}

/// Whether trying again later may succeed.
fn is_for_now(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn words(status: StatusCode, retry_after_seconds: Option<u32>) -> (&'static str, String) {
    let soon = match retry_after_seconds {
        Some(seconds @ 2..) => format!("Try again in {seconds} seconds."),
        _ => "Try again in a moment.".to_owned(),
    };
    match status.as_u16() {
        404 | 405 => ("Nothing here", "There is no such page, or it is not yours.".to_owned()),
        429 => ("One moment, please", format!("You asked for a lot in a short time. {soon}")),
        502..=504 => (
            "Not at the moment",
            format!("A part of the shop does not respond just now. {soon} Doing the same twice does no harm."),
        ),
        400..=499 => ("That did not work", "The shop could not do what you asked for.".to_owned()),
        _ => ("Something broke", format!("It is our fault, not yours. {soon}")),
    }
}

/// Returns a problem's detail as a sentence.
pub(super) fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(letters).collect();
    if !sentence.is_empty() && !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::response::IntoResponse;
    use axum::routing::{get, post};
    use choreography_axum::Problem;
    use tower::ServiceExt;

    async fn busy() -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "wait").retry_after(7)
    }

    async fn ask(method: &str, path: &str, accept: &str) -> (Response, String) {
        let app = Router::new().route("/orders", get(busy)).route("/api/orders", get(busy)).route("/pay", post(busy));
        let request =
            Request::builder().method(method).uri(path).header("accept", accept).header("host", "shop.example");
        let request = request.header("referer", "http://shop.example/orders/1/payment").body(Body::empty()).unwrap();
        let (parts, body) = with_error_pages(app).oneshot(request).await.unwrap().into_parts();
        let body = to_bytes(body, PROBLEM_BYTES_MAX).await.unwrap();
        (Response::from_parts(parts, Body::empty()), String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_person_gets_a_page_that_says_what_to_do_and_a_program_the_problem() {
        let browser = "text/html,application/xhtml+xml,*/*;q=0.8";
        let (response, page) = ask("GET", "/orders", browser).await;
        assert_eq!((response.status().as_u16(), header(response.headers(), &RETRY_AFTER)), (429, "7"));
        assert_eq!(header(response.headers(), &CONTENT_TYPE), "text/html; charset=utf-8");
        assert!(page.contains("Try again in 7 seconds") && page.contains(r#"href="/orders">Try again"#), "{page}");
        for (path, accept) in [("/orders", "*/*"), ("/orders", "application/json"), ("/api/orders", browser)] {
            let (response, body) = ask("GET", path, accept).await;
            assert_eq!(header(response.headers(), &CONTENT_TYPE), "application/problem+json", "{path} {accept}");
            assert!(body.contains("urn:problem:too-many-requests"));
        }
    }

    #[tokio::test]
    async fn a_form_leads_back_to_its_page_and_an_unknown_address_to_the_products() {
        let (_, page) = ask("POST", "/pay", "text/html").await;
        assert!(page.contains(r#"href="/orders/1/payment">Back"#), "{page}");
        let (response, page) = ask("GET", "/nowhere", "text/html").await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert!(page.contains("Nothing here") && page.contains(r#"href="/">To the products"#), "{page}");
    }

    #[tokio::test]
    async fn a_page_that_is_there_stays_as_it_is() {
        let app = Router::new().route(
            "/",
            get(async || (StatusCode::UNPROCESSABLE_ENTITY, axum::response::Html("as it is")).into_response()),
        );
        let request = Request::get("/").header("accept", "text/html").body(Body::empty()).unwrap();
        let response = with_error_pages(app).oneshot(request).await.unwrap();
        assert_eq!(to_bytes(response.into_body(), 100).await.unwrap(), "as it is");
    }
}
