//! The targets.

mod door;
mod engine;
mod http;
mod server;
mod server_answers;
mod settings;
mod stored;
mod tokens;
mod wire;

use crate::target::Target;

/// Returns the target of this name.
pub fn find(name: &str) -> Option<&'static Target> {
    ALL.iter().find(|target| target.name == name)
}

/// All targets.
pub const ALL: &[Target] = &[
    Target { name: "headers_are_kept_as_they_were_in_their_order", start: wire::headers },
    Target { name: "a_heading_that_is_read_is_written_as_it_was", start: wire::heading },
    Target { name: "a_trace_is_valid_only_in_the_form_of_the_standard", start: wire::trace },
    Target { name: "a_message_that_is_read_is_written_as_it_was", start: stored::messages },
    Target { name: "a_row_that_is_read_is_written_as_it_was", start: stored::rows },
    Target { name: "a_service_goes_on_whatever_arrives", start: engine::goes_on },
    Target { name: "every_request_has_an_answer", start: http::answers },
    Target { name: "every_visit_of_the_gateway_has_an_answer", start: door::visits },
    Target { name: "an_answer_of_the_server_is_read_or_refused", start: server::answers },
    Target { name: "a_text_is_read_or_refused", start: settings::texts },
    Target { name: "settings_are_read_or_refused", start: settings::flags },
    Target { name: "a_token_counts_only_as_it_was_signed", start: tokens::token },
    Target { name: "a_key_set_is_read_or_refused", start: tokens::keys },
];
