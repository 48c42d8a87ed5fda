//! What the derives make of a type. Their errors are fixtures in `wrong/`.

use choreography::bounds::RoleType;
use choreography::{Command, Key, Message, Role, Row};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "lend", key = isbn, role = step)]
struct Lend {
    isbn: String,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "lent-2", key = 1, role = event, version = 2)]
struct Lent(u32, String);

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(key = loan.isbn: String, name = "cancel-loan", role = compensation)]
struct CancelLoan {
    loan: Lend,
}

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "borrow", key = isbn, row = Loan, version = 3)]
struct Borrow {
    isbn: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "book_loan", key = String)]
enum Loan {
    Running,
}

fn facts<M: Message>(message: &M) -> (&'static str, u32, Role, String)
where
    M::Key: Key,
{
    (M::NAME, M::VERSION, M::Role::ROLE, message.key().to_string())
}

#[test]
fn a_message_has_the_name_the_version_the_role_and_the_key_of_its_attribute() {
    let lend = Lend { isbn: "a".to_owned() };
    assert_eq!(facts(&lend), ("lend", 1, Role::Step, "a".to_owned()));
    assert_eq!(facts(&Lent(1, "b".to_owned())), ("lent-2", 2, Role::Event, "b".to_owned()));
    assert_eq!(facts(&CancelLoan { loan: lend }), ("cancel-loan", 1, Role::Compensation, "a".to_owned()));
}

#[test]
fn a_command_is_a_message_with_a_row() {
    fn table<C: Command>(_: &C) -> &'static str {
        C::Row::TABLE
    }
    let borrow = Borrow { isbn: "a".to_owned() };
    assert_eq!(facts(&borrow), ("borrow", 3, Role::Step, "a".to_owned()));
    assert_eq!(table(&borrow), "book_loan");
    assert!(Loan::Running == Loan::Running);
}
