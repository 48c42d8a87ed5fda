//! Settings, tokens and words, as texts: each is read or refused, and what is read is within its bounds and written so
//! that it is read as the same.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use choreography::bus::jetstream::without_login;
use choreography::dead_letters::Token;
use choreography::provision::FileSync;
use choreography_axum::duration;
use clap::Parser;
use contracts::{AddressLine, Currency, Name, OrderId, Sku, Zone};
use gateway::limits::Network;
use gateway::settings::Settings as GatewaySettings;
use gateway::upstreams::BaseUrl;
use notify::settings::Settings as NotifySettings;
use payment::settings::Settings as PaymentSettings;

use crate::draw::Draw;
use crate::target::{Case, Started};
use crate::text::text;

/// Texts as they should be, of every kind.
const TEXTS: [&str; 24] = [
    "15m",
    "2h 30m",
    "PT15M",
    "90s",
    "168h",
    "10.0.0.0/8",
    "2001:db8::/32",
    "::1",
    "http://127.0.0.1:8081",
    "http://[::1]:80/",
    "0198c0de-0000-7000-8000-000000000001",
    "tea",
    "north",
    "EUR",
    "Ada Lovelace",
    "1 Hill Road",
    "nats://user:secret@127.0.0.1:4222,nats://[::1]:4222",
    "sqlite://.data/payment.db?mode=ro",
    "smtp://user:secret@localhost:2525",
    "https://www.example.com",
    "127.0.0.1:8080",
    "ada@example.com",
    "30s",
    "2026-01-01T00:00:00Z",
];

/// Checks that what is read of a text is written so that it is read as the same.
fn round_trip<T: FromStr + Display + PartialEq>(text: &str) {
    let Ok(read) = text.parse::<T>() else { return };
    let written = read.to_string();
    assert!(written.parse::<T>().is_ok_and(|again| again == read), "{text:?} as {written:?}");
}

/// Texts are read or refused.
pub(crate) fn texts() -> Box<dyn Started> {
    Case::of(
        |draw| text(draw.word(&TEXTS), draw),
        || {
            Box::new(|text: &String| {
                round_trip::<BaseUrl>(text);
                round_trip::<Token>(text);
                round_trip::<OrderId>(text);
                round_trip::<Sku>(text);
                round_trip::<Zone>(text);
                round_trip::<Name>(text);
                round_trip::<AddressLine>(text);
                round_trip::<Currency>(text);
                _ = text.parse::<Network>();
                if let Ok(read) = duration(text) {
                    assert!((Duration::from_millis(1)..=Duration::from_secs(7 * 24 * 3_600)).contains(&read));
                }
                assert!(!without_login(text).contains("secret@"), "{}", without_login(text));
                _ = FileSync::from_varz(text.as_bytes());
            })
        },
    )
}

/// The flags of the services that have settings of their own.
const FLAGS: [&str; 24] = [
    "--listen",
    "--nats-url",
    "--database-url",
    "--instance",
    "--message-deadline",
    "--backlog-max",
    "--circuit-threshold",
    "--effect-time-max",
    "--outbox-kept",
    "--http-connections-max",
    "--order-url",
    "--token-keys",
    "--trusted-proxies",
    "--customer-rate",
    "--address-burst",
    "--cors-origins",
    "--public-url",
    "--sign-in-url",
    "--payment-deadline",
    "--mail-from",
    "--smtp-url",
    "--fault",
    "--require-gateway",
    "--demo",
];

/// The settings of services are read or refused.
pub(crate) fn flags() -> Box<dyn Started> {
    Case::of(
        |draw| -> Vec<String> {
            let flag = |draw: &mut Draw<'_>| [draw.word(&FLAGS).to_owned(), text(draw.word(&TEXTS), draw)];
            (0..draw.below(3) + 1).flat_map(|_| flag(draw)).collect()
        },
        || {
            Box::new(|flags: &Vec<String>| {
                let needed =
                    ["service", "--listen=127.0.0.1:1", "--nats-user=a", "--nats-password=b"].map(str::to_owned);
                let all =
                    || needed.iter().cloned().chain(["--database-url=sqlite://a".to_owned()]).chain(flags.clone());
                let errors = [
                    GatewaySettings::try_parse_from(all()).err(),
                    NotifySettings::try_parse_from(all()).err(),
                    PaymentSettings::try_parse_from(all()).err(),
                ];
                for error in errors.into_iter().flatten() {
                    assert!(error.to_string().len() < 2_000_000);
                }
            })
        },
    )
}
