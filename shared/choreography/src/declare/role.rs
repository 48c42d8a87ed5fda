//! Roles: what a message is for in the choreography, as a type for the compiler and as a value for the map.

use crate::wire::role::Role;

/// The role of a message that asks for something to be done, and of every command.
#[derive(Debug)]
pub enum Step {}

/// The role of a message that states a fact.
#[derive(Debug)]
pub enum Event {}

/// The role of a message that undoes what a step did.
#[derive(Debug)]
pub enum Compensation {}

/// One of the three types in [`role`](crate::role).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a role",
    label = "a role is `role::Step`, `role::Event` or `role::Compensation`"
)]
pub trait RoleType: sealed::Sealed {
    /// The role as a value.
    const ROLE: Role;
}

impl RoleType for Step {
    const ROLE: Role = Role::Step;
}
impl RoleType for Event {
    const ROLE: Role = Role::Event;
}
impl RoleType for Compensation {
    const ROLE: Role = Role::Compensation;
}

/// The role of a step or an event.
pub trait Forward: RoleType {}
impl Forward for Step {}
impl Forward for Event {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Step {}
    impl Sealed for super::Event {}
    impl Sealed for super::Compensation {}
}
