//! What must hold for whatever comes from outside: it is read or refused, and never a panic; what is read is written as
//! it was.

/// Makes a test of each target.
macro_rules! targets {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                fuzz::run(fuzz::targets::find(stringify!($name)).expect("a target of this name"));
            }
        )*

        #[test]
        fn every_target_is_a_test() {
            let names: Vec<_> = fuzz::targets::ALL.iter().map(|target| target.name).collect();
            assert_eq!(names, [$(stringify!($name)),*]);
        }
    };
}

targets! {
    headers_are_kept_as_they_were_in_their_order
    a_heading_that_is_read_is_written_as_it_was
    a_trace_is_valid_only_in_the_form_of_the_standard
    a_message_that_is_read_is_written_as_it_was
    a_row_that_is_read_is_written_as_it_was
    a_service_goes_on_whatever_arrives
    every_request_has_an_answer
    every_visit_of_the_gateway_has_an_answer
    an_answer_of_the_server_is_read_or_refused
    a_text_is_read_or_refused
    settings_are_read_or_refused
    a_token_counts_only_as_it_was_signed
    a_key_set_is_read_or_refused
}
