//! The drawings of the pages, as SVG inside the HTML. They are decoration: what they say stands beside them in words.

use maud::{Markup, PreEscaped, html};

fn svg(view: &str, paths: &str) -> Markup {
    html! {
        svg viewBox=(view) fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"
            stroke-linejoin="round" aria-hidden="true" focusable="false" { (PreEscaped(paths)) }
    }
}

/// Returns the sign of the shop: three steps of a dance that meet.
pub(super) fn brand() -> Markup {
    svg(
        "0 0 28 28",
        r#"<circle cx="7" cy="20" r="4"/><circle cx="21" cy="20" r="4"/><circle cx="14" cy="7" r="4"/><path d="M12 10.5 9 16.5M16 10.5l3 6M11 20h6"/>"#,
    )
}

/// Returns the picture of a product; of one that has none, a parcel.
pub(super) fn product(sku: &str) -> Markup {
    let paths = match sku {
        "tea" => {
            r#"<path d="M30 14h20l6 14v44H24V28z"/><path d="M24 28h32M32 8h16v6H32z"/><path d="M40 40c10 4 10 16 0 22-10-6-10-18 0-22zM40 44v14"/>"#
        }
        "mug" => {
            r#"<path d="M18 26h38v34a10 10 0 0 1-10 10H28a10 10 0 0 1-10-10z"/><path d="M56 34h6a8 8 0 0 1 8 8v2a10 10 0 0 1-10 10h-4M29 18c-3-4 3-5 0-9M38 18c-3-4 3-5 0-9M47 18c-3-4 3-5 0-9"/>"#
        }
        "kettle" => {
            r#"<path d="M20 66a20 26 0 0 1 40 0z"/><path d="M16 72h48M24 46 10 36M34 38h12M40 38v-5"/><path d="M26 40c0-32 38-32 34 6"/><circle cx="40" cy="30" r="3"/>"#
        }
        "unicorn" => {
            r#"<path d="M30 70c2-14-8-18-8-30 0-12 10-20 22-20l10-14 2 18c8 6 12 16 12 22l-10 6-12-6c-6 6 2 14 4 24z"/><circle cx="48" cy="34" r="2"/>"#
        }
        _ => r#"<path d="M12 26 40 12l28 14v30L40 70 12 56zM12 26l28 14 28-14M40 40v30M26 19l28 14"/>"#,
    };
    svg("0 0 80 80", paths)
}

/// The stations of an order's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Station {
    /// The order itself.
    Order,
    /// The shelf.
    Stock,
    /// The money.
    Payment,
    /// The dealer.
    Delivery,
    /// The mail.
    Notice,
}

/// Returns the sign of a station.
pub(super) fn station(station: Station) -> Markup {
    let paths = match station {
        Station::Order => r#"<path d="M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6M9 12h6"/>"#,
        Station::Stock => r#"<path d="m3 8 9-5 9 5v8l-9 5-9-5zM3 8l9 5 9-5M12 13v8"/>"#,
        Station::Payment => r#"<path d="M3 6h18v12H3zM3 10h18M7 15h3"/>"#,
        Station::Delivery => {
            r#"<path d="M2 6h11v10H2zM13 10h5l4 3v3h-9z"/><circle cx="7" cy="18" r="2"/><circle cx="17" cy="18" r="2"/>"#
        }
        Station::Notice => r#"<path d="M3 5h18v14H3zM3 6l9 7 9-7"/>"#,
    };
    svg("0 0 24 24", paths)
}
