//! Signing in at the issuer of tokens: OAuth 2.0's authorization-code flow with PKCE (RFC 6749 and 7636).
//!
//! What must hold: a code counts only in the browser that asked for it, and a token only if it counts for the API too.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::routing::get;
use choreography_axum::{Problem, Query};
use clap::Args;
use http_body_util::Full;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse, TokenUrl,
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::read::encode;
use super::session::{keep, not_signed_in};
use super::sign_in::no_issuer;
use super::way_back::WayBack;
use crate::gateway::Gateway;
use crate::https::{FetchError, HttpsClient};
use crate::identity::cookie;

/// Where the issuer sends browsers back to, under the shop's address.
const RETURN_PATH: &str = "/sign-in/return";
/// The cookie that ties a sign-in to the browser in which it began. By its prefix only the shop's own host can set it.
const COOKIE: &str = "__Host-signing-in";
/// How long somebody may take to sign in at the issuer, in seconds.
const SIGN_IN_SECONDS: u32 = 600;
/// How long a session lasts if the issuer does not say: the token's own end counts all the same.
const SESSION_TIME: Duration = Duration::from_secs(3_600);

/// Where visitors of the pages sign in.
#[derive(Debug, Clone, Args)]
pub struct IssuerSettings {
    /// Where visitors of the pages sign in: the issuer's authorization endpoint. Its access tokens must be those that
    /// TOKEN_KEYS, TOKEN_ISSUER and TOKEN_AUDIENCE describe
    #[arg(long, env = "SIGN_IN_URL", value_parser = authorization_url,
        requires_all = ["sign_in_token_url", "sign_in_client_id", "public_url"])]
    pub sign_in_url: Option<AuthUrl>,
    /// The issuer's token endpoint
    #[arg(long, env = "SIGN_IN_TOKEN_URL", value_parser = token_url)]
    pub sign_in_token_url: Option<TokenUrl>,
    /// The shop's client id at the issuer
    #[arg(long, env = "SIGN_IN_CLIENT_ID")]
    pub sign_in_client_id: Option<String>,
    /// The shop's client secret, if the issuer gave it one
    #[arg(long, env = "SIGN_IN_CLIENT_SECRET")]
    pub sign_in_client_secret: Option<String>,
    /// The shop's address as browsers know it, such as `https://shop.example.com`; the issuer must know
    /// <PUBLIC_URL>/sign-in/return
    #[arg(long, env = "PUBLIC_URL", value_parser = public_url)]
    pub public_url: Option<RedirectUrl>,
}

fn authorization_url(text: &str) -> Result<AuthUrl, String> {
    AuthUrl::new(text.to_owned()).map_err(|error| error.to_string())
}

fn token_url(text: &str) -> Result<TokenUrl, String> {
    TokenUrl::new(text.to_owned()).map_err(|error| error.to_string())
}

fn public_url(text: &str) -> Result<RedirectUrl, String> {
    let url = format!("{}{RETURN_PATH}", text.trim_end_matches('/'));
    RedirectUrl::new(url).map_err(|error| error.to_string())
}

/// The issuer at which visitors sign in. A clone is the same.
#[derive(Clone)]
pub struct Issuer {
    client: Arc<BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>>,
    https: HttpsClient,
}

impl Issuer {
    /// Returns the issuer of the settings, if they name one.
    ///
    /// # Errors
    /// The system's certificates can't be read.
    pub fn of(settings: IssuerSettings) -> Result<Option<Self>, std::io::Error> {
        let IssuerSettings { sign_in_url, sign_in_token_url, sign_in_client_id, sign_in_client_secret, public_url } =
            settings;
        let (Some(sign_in_url), Some(token_url), Some(client_id), Some(public_url)) =
            (sign_in_url, sign_in_token_url, sign_in_client_id, public_url)
        else {
            return Ok(None);
        };
        let mut client = BasicClient::new(ClientId::new(client_id))
            .set_auth_uri(sign_in_url)
            .set_token_uri(token_url)
            .set_redirect_uri(public_url);
        if let Some(secret) = sign_in_client_secret {
            client = client.set_client_secret(ClientSecret::new(secret));
        }
        Ok(Some(Self { client: Arc::new(client), https: HttpsClient::new()? }))
    }
}

/// Sends a request of the flow to the issuer.
async fn fetch(https: HttpsClient, request: HttpRequest) -> Result<HttpResponse, FetchError> {
    let (parts, body) = request.into_parts();
    let (status, body) = https.send(Request::from_parts(parts, Full::new(body.into()))).await?;
    let mut response = HttpResponse::new(body.to_vec());
    *response.status_mut() = status;
    Ok(response)
}

/// Returns the routes of signing in at the issuer.
pub(super) fn routes() -> Router<Gateway> {
    Router::new().route("/sign-in/issuer", get(leave)).route(RETURN_PATH, get(come_back))
}

fn issuer(gateway: &Gateway) -> Result<&Issuer, Problem> {
    gateway.issuer.as_ref().ok_or_else(no_issuer)
}

#[derive(Deserialize)]
struct Leaving {
    #[serde(default)]
    next: WayBack,
}

/// Sends a visitor to the issuer.
async fn leave(State(gateway): State<Gateway>, Query(Leaving { next }): Query<Leaving>) -> Result<Response, Problem> {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let request = issuer(&gateway)?.client.authorize_url(CsrfToken::new_random);
    let (url, state) = request.add_scope(Scope::new("openid".to_owned())).set_pkce_challenge(challenge).url();
    let begun = format!("{}.{}.{}", state.secret(), verifier.secret(), encode(&next.to_string()));
    let begun = remember(&begun, SIGN_IN_SECONDS);
    Ok(([begun], Redirect::to(url.as_str())).into_response())
}

#[derive(Deserialize)]
struct Returned {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

/// A sign-in as it began, from the cookie.
struct Begun<'a> {
    state: &'a str,
    verifier: &'a str,
    next: WayBack,
}

impl<'a> Begun<'a> {
    fn read(cookie: &'a str) -> Option<Self> {
        let [state, verifier, next] = cookie.split('.').collect::<Vec<_>>().try_into().ok()?;
        let next = percent_decode_str(next).decode_utf8_lossy().into_owned().into();
        Some(Self { state, verifier, next })
    }
}

/// Takes a visitor back from the issuer, and exchanges the code for the token.
async fn come_back(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    Query(Returned { code, state, error }): Query<Returned>,
) -> Result<Response, Problem> {
    let issuer = issuer(&gateway)?;
    let begun = cookie(&headers, COOKIE).and_then(Begun::read);
    let begun = begun.filter(|begun| state.as_deref() == Some(begun.state));
    let (Some(Begun { verifier, next, .. }), Some(code), None) = (begun, code, error) else {
        return Err(not_signed_in("the issuer did not sign you in, or it took too long: sign in again"));
    };
    let exchange = issuer.client.exchange_code(AuthorizationCode::new(code));
    let exchange = exchange.set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
    let https = issuer.https.clone();
    let fetch = move |request| fetch(https.clone(), request);
    let answer = exchange.request_async(&fetch).await.map_err(|error| {
        tracing::warn!(%error, "the issuer gives no token for a code");
        not_signed_in("the issuer gave no token: sign in again")
    })?;
    let token = answer.access_token().secret();
    gateway.tokens.verify(token).await.map_err(|error| {
        tracing::error!(%error, "a token of the issuer does not count: do TOKEN_KEYS, TOKEN_ISSUER and TOKEN_AUDIENCE fit?");
        not_signed_in("the token of the issuer does not count here: an operator must mend that")
    })?;
    let lasting = answer.expires_in().unwrap_or(SESSION_TIME);
    Ok((AppendHeaders([keep(token, lasting, false)?, remember("", 0)]), Redirect::to(&next.to_string()))
        .into_response())
}

/// Returns the header with which the browser keeps what has begun, until it is back.
fn remember(begun: &str, seconds: u32) -> (HeaderName, HeaderValue) {
    let cookie = format!("{COOKIE}={begun}; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age={seconds}");
    (
        header::SET_COOKIE,
        HeaderValue::from_str(&cookie).expect("random texts are base64url, and an address is percent-encoded"),
    )
}
