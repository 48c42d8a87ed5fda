//! Testing a whole application: the same seed gives the same messages, and the outcome is the same when something goes wrong.

use choreography::testing::{Harness, Trouble};
use choreography::{Choreography, Command, Message, Row, Settings, nothing};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "throw-ball", key = ball, row = Throw)]
struct ThrowBall {
    ball: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "ball-thrown", key = ball, role = event)]
struct BallThrown {
    ball: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "throw", key = u32)]
struct Throw {
    thrown: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "catch", key = u32)]
struct Catch {
    caught: bool,
}

fn throw_ball(command: &ThrowBall, throw: &mut Option<Throw>) -> Option<BallThrown> {
    if throw.is_some() {
        return None;
    }
    *throw = Some(Throw { thrown: true });
    Some(BallThrown { ball: command.ball })
}

fn catch_ball(_: &BallThrown, catch: &mut Option<Catch>) {
    *catch = Some(Catch { caught: true });
}

/// Throws a ball while something may go wrong, and returns the headers of every message.
fn play(seed: u64, trouble: Option<Trouble>) -> Vec<String> {
    let thrower = Choreography::new("thrower").command(throw_ball);
    let catcher = Choreography::new("catcher").on(catch_ball).fallback(nothing::<BallThrown>);
    let harness = Harness::start([thrower, catcher], Settings::default(), seed);
    println!("{}", trouble.as_ref().map_or("no trouble".to_owned(), |trouble| format!("{trouble:?}")));
    trouble.into_iter().for_each(|trouble| harness.inject(trouble));
    harness.execute(ThrowBall { ball: 1 }).expect("a ball can be thrown");
    harness.advance(std::time::Duration::from_secs(20));
    harness.inject(Trouble::ServerUp); // changes nothing if it is up
    let catch = harness.until::<Catch>(&1, |_| true);
    println!("  {catch:?}");
    harness.published().iter().map(|message| format!("{:?}", message.envelope.headers)).collect()
}

fn main() {
    let first = play(7, None);
    println!("the same seed, the same headers: {}", first == play(7, None));
    println!("another seed, other ids: {}", first != play(8, None));
    play(7, Some(Trouble::ServerDown));
    play(7, Some(Trouble::AcknowledgementsLost(1)));
    play(7, Some(Trouble::DeliveredTwice("catcher")));
}

// Output:
// no trouble
//   Catch { caught: true }
// no trouble
//   Catch { caught: true }
// the same seed, the same headers: true
// no trouble
//   Catch { caught: true }
// another seed, other ids: true
// ServerDown
//   Catch { caught: true }
// AcknowledgementsLost(1)
//   Catch { caught: true }
// DeliveredTwice("catcher")
//   Catch { caught: true }
