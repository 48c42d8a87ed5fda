//! The map of a choreography follows from the types of its functions: it is drawn from them, and it knows loose ends.

use choreography::{Choreography, Command, Map, Message, Row, nothing};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Command)]
#[command(name = "place-bet", key = bet, row = Bet)]
struct PlaceBet {
    bet: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "take-stake", key = bet, role = step)]
struct TakeStake {
    bet: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "stake-taken", key = bet, role = event)]
struct StakeTaken {
    bet: u32,
}

#[derive(Clone, Serialize, Deserialize, Message)]
#[message(name = "cancel-bet", key = bet, role = compensation)]
struct CancelBet {
    bet: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "bet", key = u32)]
struct Bet;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "stake", key = u32)]
struct Stake;

fn place_bet(command: &PlaceBet, bet: &mut Option<Bet>) -> TakeStake {
    *bet = Some(Bet);
    TakeStake { bet: command.bet }
}

fn take_stake(message: &TakeStake, stake: &mut Option<Stake>) -> Result<StakeTaken, CancelBet> {
    match message.bet {
        13 => Err(CancelBet { bet: message.bet }),
        bet => {
            *stake = Some(Stake);
            Ok(StakeTaken { bet })
        }
    }
}

fn note_stake(_: &StakeTaken, _: &mut Bet) {}

fn cancel_bet(_: &CancelBet, bet: &mut Option<Bet>) {
    *bet = None;
}

fn main() {
    let bets = || Choreography::new("bets").command(place_bet).compensate(cancel_bet);
    let bank = || Choreography::new("bank").on(take_stake).fallback(nothing::<TakeStake>);

    println!("{}", Map::of(&[bets(), bank()]).problems().join("\n"));

    let bets = bets().on(note_stake).fallback(nothing::<StakeTaken>);
    let map = Map::of(&[bets, bank()]);
    println!("problems left: {}", map.problems().len());
    print!("{}", map.to_mermaid());
}

// Output:
// bank publishes stake-taken, and nobody receives it
// problems left: 0
// flowchart LR
//     bank -.->|cancel-bet| bets
//     bank -->|stake-taken| bets
//     bets -->|take-stake| bank
