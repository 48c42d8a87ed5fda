//! Mistakes in putting a choreography together are found when it is made, before anything runs.

use choreography::{Choreography, Command, Concerns, Dead, Message, Row, Rows, nothing};
use serde::{Deserialize, Serialize};

use crate::diary::Page;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Copy(u32);

impl Message for Copy {
    const NAME: &'static str = "copy";
    type Key = u32;
    fn key(&self) -> u32 {
        self.0
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Burn(u32);

impl Message for Burn {
    const NAME: &'static str = "burn";
    type Key = u32;
    fn key(&self) -> u32 {
        self.0
    }
}

impl Command for Burn {
    type Row = Page;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Shelf;

impl Row for Shelf {
    const TABLE: &'static str = "shelf";
    type Key = u32;
}

impl Concerns<u32> for Shelf {
    fn concerns(&self) -> Vec<u32> {
        Vec::new()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Unbind(u32);

impl Message for Unbind {
    const NAME: &'static str = "unbind";
    const UNDO: bool = true;
    type Key = u32;
    fn key(&self) -> u32 {
        self.0
    }
}

fn unbind(_: &Unbind, _: &mut Option<Page>) {}
fn copy(_: &Copy, _: &mut Page) {}
fn copy_also(_: &Copy, _: &mut Option<Page>) {}
fn copy_within(_: &Copy, _: &mut Option<Page>, _: &mut Rows<Page>) {}
fn not_copied_within(_: &Dead<Copy>, _: &mut Option<Page>, _: &mut Option<Page>) {}
fn burn(_: &Burn, _: &mut Page) {}
fn burn_shelf(_: &Burn, _: &mut Page, _: &mut Rows<Page, Shelf>) {}
async fn send(_: &Copy, (): &()) -> anyhow::Result<()> {
    Ok(())
}

#[test]
#[should_panic(expected = "library: two steps receive copy")]
fn two_reactions_to_one_message_are_refused() {
    let _ = Choreography::new("library").on(copy).on(copy_also);
}

#[test]
#[should_panic(expected = "library: `.compensate` for copy, which is no compensation")]
fn a_forward_message_is_not_heard_as_an_undo() {
    let _ = Choreography::new("library").compensate(copy_also);
}

#[test]
#[should_panic(expected = "library: `.on` for unbind, which is a compensation")]
fn an_undo_is_not_heard_as_a_forward_message() {
    let _ = Choreography::new("library").on(unbind);
}

#[test]
#[should_panic(expected = "library: two effects for copy")]
fn two_effects_of_one_message_are_refused() {
    let _ = Choreography::new("library").effect(send, ()).effect(send, ());
}

#[test]
#[should_panic(expected = "takes the same table twice")]
fn one_table_twice_in_a_signature_is_refused() {
    let _ = Choreography::new("library").on(copy_within);
}

#[test]
#[should_panic(expected = "takes the same table twice")]
fn one_table_twice_in_a_command_is_refused() {
    let _ = Choreography::new("library").command(burn_shelf);
}

#[test]
#[should_panic(expected = "takes the same table twice")]
fn one_table_twice_in_an_otherwise_is_refused() {
    let _ = Choreography::new("library").on(copy).fallback(not_copied_within);
}

#[test]
#[should_panic(expected = "`.fallback` for copy must follow the step that receives it")]
fn an_otherwise_without_its_step_is_refused() {
    let _ = Choreography::new("library").command(burn).fallback(nothing::<Copy>);
}

#[test]
#[should_panic(expected = "`.fallback` for burn must follow the step that receives it")]
fn a_command_has_no_otherwise() {
    let _ = Choreography::new("library").command(burn).fallback(nothing::<Burn>);
}

#[test]
fn a_reaction_and_an_effect_may_hear_the_same_message() {
    let library = Choreography::new("library").on(copy).effect(send, ()).fallback(nothing::<Copy>);
    assert_eq!(library.edges().len(), 2);
}
