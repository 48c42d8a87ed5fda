//! Mistakes that the compiler can't find: constructing the choreography panics with a text that says what to do.

use choreography::{Choreography, Command, Concerns, Dead, EffectError, Message, Row, Rows, nothing, role};
use serde::{Deserialize, Serialize};

use crate::diary::Page;

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "copy", key = 0, role = step)]
struct Copy(u32);

#[derive(Debug, Clone, Serialize, Deserialize, Command)]
#[command(name = "burn", key = 0, row = Page)]
struct Burn(u32);

#[derive(Debug, Clone, Serialize, Deserialize, Message)]
#[message(name = "sent", key = 0, role = event)]
struct Sent(u32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "page", key = u32)]
struct OtherPage;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "shelf", key = u32)]
struct Shelf;

impl Concerns<u32> for Shelf {
    fn concerns(&self) -> Vec<u32> {
        Vec::new()
    }
}

fn copy(_: &Copy, _: &mut Page) {}
fn copy_again(_: &Copy, _: &mut Option<Page>) {}
fn copy_within(_: &Copy, _: &mut Option<Page>, _: &mut Rows<Page>) {}
fn copy_to_another_page(_: &Copy, _: &mut Option<OtherPage>) {}
fn not_copied(_: &Dead<Copy>, _: &mut Option<Page>) {}
fn not_copied_within(_: &Dead<Copy>, _: &mut Option<Page>, _: &mut Option<Page>) {}
fn burn(_: &Burn, _: &mut Page) {}
fn burn_shelf(_: &Burn, _: &mut Page, _: &mut Rows<Page, Shelf>) {}
async fn send(_: &Copy, (): &()) -> Result<Sent, EffectError> {
    Err(EffectError::permanent("never called"))
}
fn note_sent(_: &Sent, _: &mut Option<Page>) {}

fn library() -> Choreography {
    Choreography::new("library")
}

#[test]
#[should_panic(expected = "a service can't be named \"the library\": write a word in kebab case")]
fn a_service_that_no_subject_can_name_is_refused() {
    let _ = Choreography::new("the library");
}

#[test]
#[should_panic(expected = "library: a message can't be named \"co.py\": write a name in kebab case")]
fn a_message_that_no_subject_can_name_is_refused() {
    #[derive(Clone, Serialize, Deserialize)]
    struct ByHand;
    impl Message for ByHand {
        const NAME: &'static str = "co.py";
        type Role = role::Event;
        type Key = u32;
        fn key(&self) -> u32 {
            1
        }
    }
    let _ = library().on(|_: &ByHand| ());
}

#[test]
#[should_panic(expected = "library: two functions receive copy: a message has one `.on`, `.compensate` or `.command`")]
fn two_reactions_to_one_message_are_refused() {
    let _ = library().on(copy).on(copy_again);
}

#[test]
#[should_panic(expected = "library: two effects receive copy")]
fn two_effects_for_one_message_are_refused() {
    let _ = library().effect(send, ()).effect(send, ());
}

#[test]
#[should_panic(expected = "library: the function for copy takes the same table twice")]
fn one_table_twice_in_a_reaction_is_refused() {
    let _ = library().on(copy_within);
}

#[test]
#[should_panic(expected = "library: the function for burn takes the same table twice")]
fn one_table_twice_in_a_command_is_refused() {
    let _ = library().command(burn_shelf);
}

#[test]
#[should_panic(expected = "library: the function for copy takes the same table twice")]
fn one_table_twice_in_a_fallback_is_refused() {
    let _ = library().on(copy).fallback(not_copied_within);
}

#[test]
#[should_panic(expected = "two row types have the table page")]
fn two_row_types_with_one_table_are_refused() {
    let _ = library().command(burn).on(copy_to_another_page);
}

#[test]
#[should_panic(
    expected = "library: `.fallback` for copy must follow the `.on`, `.compensate` or `.effect` that receives it"
)]
fn a_fallback_without_its_reaction_is_refused() {
    let _ = library().command(burn).fallback(nothing::<Copy>);
}

#[test]
#[should_panic(expected = "`.fallback` for burn must follow the `.on`, `.compensate` or `.effect` that receives it")]
fn a_fallback_of_a_command_is_refused() {
    let _ = library().command(burn).fallback(nothing::<Burn>);
}

#[test]
#[should_panic(expected = "library: two fallbacks for copy: a reaction and an effect share one")]
fn two_fallbacks_for_one_message_are_refused() {
    let _ = library().on(copy).fallback(not_copied).effect(send, ()).fallback(nothing::<Copy>);
}

#[test]
#[should_panic(expected = "library: `.then` for sent must follow the `.effect` that publishes it")]
fn a_then_without_its_effect_is_refused() {
    let _ = library().then(note_sent);
}

#[test]
#[should_panic(expected = "library: two `.then` for the effect that receives copy")]
fn two_thens_for_one_effect_are_refused() {
    let _ = library().effect(send, ()).then(note_sent).then(note_sent);
}

#[test]
fn a_reaction_and_an_effect_may_receive_the_same_message() {
    let library = library().on(copy).effect(send, ()).fallback(nothing::<Copy>);
    assert_eq!(library.edges().len(), 2);
}
