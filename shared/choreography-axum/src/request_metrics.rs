//! `/metrics`: the requests that were served and what the runtime counts, in Prometheus' text format.

use std::convert::Infallible;
use std::sync::OnceLock;
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::time::{Instant, interval};

/// Upper bounds of the buckets of durations, in seconds: from a read in memory to the time-out.
const SECONDS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 2.5, 10.0];

/// How often samples are added to their histograms while nobody reads `/metrics`: some ten thousand of them take a few
/// hundred kilobytes until then.
const UPKEEP_PAUSE: Duration = Duration::from_secs(5);

/// Returns the process's recorder, which the first call installs; nothing if another recorder was installed before.
pub(crate) fn recorder() -> Option<&'static PrometheusHandle> {
    static RECORDER: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    let install = || {
        let builder = PrometheusBuilder::new().set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS);
        builder
            .and_then(PrometheusBuilder::install_recorder)
            .map_err(|error| tracing::warn!(%error, "no recorder could be installed: /metrics stays empty"))
            .ok()
    };
    RECORDER.get_or_init(install).as_ref()
}

/// Replies to `GET /metrics` with the metrics of the process.
pub(crate) async fn metrics() -> String {
    let Some(recorder) = recorder() else { return String::new() };
    recorder.run_upkeep();
    recorder.render()
}

/// Adds samples to their histograms from time to time: without it each request would be kept until `/metrics` is read.
pub(crate) async fn upkeep() -> Infallible {
    keep_up(|| _ = recorder().map(PrometheusHandle::run_upkeep)).await
}

async fn keep_up(mut run: impl FnMut()) -> Infallible {
    let mut ticks = interval(UPKEEP_PAUSE);
    loop {
        ticks.tick().await;
        run();
    }
}

/// Returns a method as a label: callers may send any word, and each would make a series for ever.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// Counts and times a request by its route, not by its address: ids would make endless series.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let method = label(request.method());
    let route = request.extensions().get::<MatchedPath>().map_or("unknown", MatchedPath::as_str).to_owned();
    let began = Instant::now();
    let response = next.run(request).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    tracing::debug!(method, route, status, ?took, "request served");
    let labels = [("method", method.to_owned()), ("route", route), ("status", status.to_string())];
    counter!("http_requests_total", &labels).increment(1);
    histogram!("http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn histograms_are_kept_up_without_anybody_reading_the_metrics() {
        let mut runs = 0;
        let _ = tokio::time::timeout(Duration::from_secs(61), keep_up(|| runs += 1)).await;
        assert_eq!(runs, 13);
    }
}
