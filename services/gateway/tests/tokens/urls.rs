//! Keys at a URL: an issuer that changes them, and one that is in trouble. The time is the real one, as the requests are.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{join_all, pending};
use futures::stream::repeat;
use gateway::identity::Role;
use gateway::tokens::{InvalidToken, KeySource, Tokens};
use serde_json::json;
use testkit::until;
use tokio::net::TcpListener;

use crate::signer::{OTHER_RSA, RSA, Signer, ada, claims, ec, ed25519, key_set, rsa, settings};

/// The shortest time between two requests to the issuer.
const READ_PAUSE: Duration = Duration::from_secs(5);
/// Longer than a request waits for the keys.
const WAIT_MAX: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);

/// What an issuer replies when it is asked for its keys.
#[derive(Debug, Clone)]
enum Reply {
    Keys(Vec<u8>),
    Nothing,
    Fault,
    RedirectToOtherKeys,
    Enormous,
    Endless,
}

impl Reply {
    async fn into_response(self) -> Response {
        match self {
            Self::Keys(set) => set.into_response(),
            Self::Nothing => pending().await,
            Self::Fault => (StatusCode::INTERNAL_SERVER_ERROR, key_set(&[stranger()])).into_response(),
            Self::RedirectToOtherKeys => Redirect::temporary("/others").into_response(),
            Self::Enormous => {
                [b"{\"keys\":[".to_vec(), vec![b' '; 2 * 1024 * 1024], b"]}".to_vec()].concat().into_response()
            }
            Self::Endless => {
                let spaces = Bytes::from_static(&[b' '; 4_096]);
                Body::from_stream(repeat(Ok::<_, Infallible>(spaces))).into_response()
            }
        }
    }
}

/// An issuer whose keys are at a URL.
struct Issuer {
    url: String,
    reply: Arc<Mutex<Reply>>,
    requests: Arc<AtomicUsize>,
}

impl Issuer {
    async fn start(reply: Reply) -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").await.unwrap(), reply)
    }

    fn start_at(listener: TcpListener, reply: Reply) -> Self {
        let url = format!("http://{}/keys", listener.local_addr().unwrap());
        let (reply, requests) = (Arc::new(Mutex::new(reply)), Arc::new(AtomicUsize::new(0)));
        let (replies, counted) = (reply.clone(), requests.clone());
        let keys = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let reply = replies.lock().unwrap().clone();
            reply.into_response()
        };
        let others = async || key_set(&[stranger()]);
        let app = Router::new().route("/keys", get(keys)).route("/others", get(others));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, reply, requests }
    }

    async fn tokens(&self) -> Tokens {
        tokens(&self.url).await
    }

    fn publish(&self, signers: &[Signer]) {
        self.reply(Reply::Keys(key_set(signers)));
    }

    fn reply(&self, reply: Reply) {
        *self.reply.lock().unwrap() = reply;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn tokens(url: &str) -> Tokens {
    Tokens::start(settings(Some(KeySource::Url(url.to_owned())))).await.unwrap()
}

fn stranger() -> Signer {
    ec()
}

/// Returns a token of a key that no issuer has.
fn unknown(id: &'static str) -> String {
    Signer { id, ..ed25519() }.sign(&claims(json!({})))
}

#[tokio::test]
async fn a_new_key_is_fetched_without_a_restart_and_one_that_the_issuer_has_withdrawn_counts_no_more() {
    let (first, second) = (rsa("first", RSA), rsa("second", OTHER_RSA));
    let issuer = Issuer::start(Reply::Keys(key_set(std::slice::from_ref(&first)))).await;
    let tokens = issuer.tokens().await;
    let (old, new) = (first.sign(&claims(json!({}))), second.sign(&claims(json!({}))));
    assert_eq!(tokens.verify(&old).await, Ok(ada(Role::Customer)));
    issuer.publish(&[first, second.clone()]);
    until("the new key to count", PATIENCE, async || tokens.verify(&new).await).await;
    assert_eq!(tokens.verify(&old).await, Ok(ada(Role::Customer)), "both keys count while the issuer has both");
    issuer.publish(&[second]);
    until("the old key to be withdrawn", PATIENCE, async || {
        // Any unknown key lets the set be read again.
        let _ = tokens.verify(&unknown("unknown")).await;
        tokens.verify(&old).await.err().ok_or("it counts")
    })
    .await;
    assert_eq!(tokens.verify(&new).await, Ok(ada(Role::Customer)));
}

/// Lets an issuer reply like this once its keys are known, and checks what becomes of callers.
async fn trouble(reply: Reply) {
    let known = rsa("known", RSA);
    let issuer = Issuer::start(Reply::Keys(key_set(std::slice::from_ref(&known)))).await;
    let tokens = issuer.tokens().await;
    let (token, strange) = (known.sign(&claims(json!({}))), stranger().sign(&claims(json!({}))));
    issuer.reply(reply.clone());
    until(format_args!("the issuer to be asked again, {reply:?}"), PATIENCE, async || {
        let begin = Instant::now();
        let mut verified = pin!(tokens.verify(&strange));
        // While the keys are read, a token of a known key does not wait for anything.
        let early = (&mut verified).now_or_never();
        assert_eq!(tokens.verify(&token).now_or_never(), Some(Ok(ada(Role::Customer))), "{reply:?}");
        let verified = if let Some(early) = early { early } else { verified.await };
        assert_eq!(verified, Err(InvalidToken::NotSigned), "{reply:?}");
        assert!(begin.elapsed() < WAIT_MAX, "{reply:?} took {:?}", begin.elapsed());
        if issuer.requests() > 1 { Ok(()) } else { Err("not yet") }
    })
    .await;
    assert_eq!(tokens.verify(&token).now_or_never(), Some(Ok(ada(Role::Customer))), "{reply:?}");
    assert_eq!(tokens.verify(&strange).await, Err(InvalidToken::NotSigned), "{reply:?}");
    issuer.publish(&[known, stranger()]);
    until(format_args!("the issuer to be well again, {reply:?}"), PATIENCE, async || tokens.verify(&strange).await)
        .await;
}

#[tokio::test]
async fn while_the_issuer_is_in_trouble_known_keys_stay_and_no_request_waits_for_long() {
    let replies = [
        Reply::Nothing,
        Reply::Keys(b"<html>".to_vec()),
        Reply::Keys(br#"{"keys":[]}"#.to_vec()),
        Reply::Fault,
        Reply::RedirectToOtherKeys,
        Reply::Enormous,
        Reply::Endless,
    ];
    join_all(replies.map(trouble)).await;
}

#[tokio::test]
async fn unknown_keys_let_nobody_hammer_the_issuer() {
    let issuer = Issuer::start(Reply::Keys(key_set(&[rsa("known", RSA)]))).await;
    let tokens = issuer.tokens().await;
    let begin = Instant::now();
    let attack = async || {
        let attempts = (0..100).map(|_| async { tokens.verify(&unknown("unknown")).await });
        assert!(join_all(attempts).await.iter().all(|verified| *verified == Err(InvalidToken::NotSigned)));
    };
    until("the issuer to be asked again", PATIENCE, async || {
        attack().await;
        if issuer.requests() > 1 { Ok(()) } else { Err("not yet") }
    })
    .await;
    assert!(begin.elapsed() >= READ_PAUSE, "it was asked again after {:?}", begin.elapsed());
    attack().await;
    assert_eq!(issuer.requests(), 2);
}

#[tokio::test]
async fn an_issuer_that_is_down_at_the_start_keeps_no_gateway_from_starting() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let tokens = tokens(&format!("http://{address}/keys")).await;
    let token = rsa("key", RSA).sign(&claims(json!({})));
    assert!(tokens.ready().unwrap_err().contains("no token counts"));
    let refused = tokens.verify(&token).await.unwrap_err();
    assert_eq!(refused, InvalidToken::KeysUnknown);
    let response = refused.into_response();
    assert_eq!(
        (response.status(), &response.headers()["retry-after"]),
        (StatusCode::SERVICE_UNAVAILABLE, &"5".parse().unwrap())
    );
    let issuer = Issuer::start_at(TcpListener::bind(address).await.unwrap(), Reply::Keys(key_set(&[rsa("key", RSA)])));
    until("the keys to be read", PATIENCE, async || tokens.ready()).await;
    assert_eq!(tokens.verify(&token).await, Ok(ada(Role::Customer)));
    assert_eq!(issuer.requests(), 1);
}

#[tokio::test]
async fn keys_for_something_else_in_a_set_are_left_out() {
    let mut set: serde_json::Value = serde_json::from_slice(&key_set(&[rsa("key", RSA)])).unwrap();
    let others = [
        json!({"kty": "OKP", "crv": "X25519", "kid": "key", "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo"}),
        json!({"kty": "oct", "kid": "key", "alg": "HS256", "k": "c2VjcmV0"}),
        json!({"kty": "NEW", "kid": "key", "what": 1}),
        json!({"kty": "RSA", "kid": "key", "use": "enc", "alg": "RSA-OAEP-256", "n": "AQAB", "e": "AQAB"}),
        json!({"kty": "RSA", "kid": "key"}),
    ];
    set["keys"].as_array_mut().unwrap().extend(others);
    let issuer = Issuer::start(Reply::Keys(set.to_string().into_bytes())).await;
    let token = rsa("key", RSA).sign(&claims(json!({})));
    assert_eq!(issuer.tokens().await.verify(&token).await, Ok(ada(Role::Customer)));
}
