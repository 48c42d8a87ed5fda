//! The map of a choreography follows from the types of its functions. It finds loose ends, and draws a picture.

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
enum Bet {
    Placed,
    Cancelled,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Row)]
#[row(table = "stake", key = u32)]
struct Stake;

fn place_bet(command: &PlaceBet, bet: &mut Option<Bet>) -> Option<TakeStake> {
    if bet.is_some() {
        return None;
    }
    *bet = Some(Bet::Placed);
    Some(TakeStake { bet: command.bet })
}

/// `Err` is a refusal: it is published, and the rows stay as they were.
fn take_stake(message: &TakeStake, stake: &mut Option<Stake>) -> Result<Option<StakeTaken>, CancelBet> {
    let bet = message.bet;
    if bet == 13 {
        return Err(CancelBet { bet });
    }
    Ok(stake.replace(Stake).is_none().then_some(StakeTaken { bet }))
}

fn note_stake(_: &StakeTaken, _: &mut Bet) {}

fn cancel_bet(_: &CancelBet, bet: &mut Option<Bet>) {
    *bet = Some(Bet::Cancelled);
}

fn main() {
    let bets = || Choreography::new("bets").command(place_bet).compensate(cancel_bet);
    let bank = || Choreography::new("bank").on(take_stake).fallback(nothing::<TakeStake>);

    // Nobody receives stake-taken yet.
    println!("{}", Map::of(&[bets(), bank()]).problems().join("\n").replace(", ", ",\n  "));

    let bets = bets().on(note_stake).fallback(nothing::<StakeTaken>);
    let map = Map::of(&[bets, bank()]);
    println!("problems left: {}", map.problems().len());
    print!("{}", map.to_mermaid());
}

// Output:
// bank publishes stake-taken,
//   and nobody receives it: receive it with `.on` in another service,
//   or remove stake-taken from what bank returns for take-stake
// problems left: 0
// flowchart TB
//     bank -->|stake-taken| bets
//     bank -.->|cancel-bet ✗| bets
//     bets ==>|take-stake| bank
//     subgraph legend_ [legend]
//         direction LR
//         from_[publisher] ==>|step| to_[subscriber]
//         from_ -->|event| to_
//         from_ -.->|compensation| to_
//         marks_["… scheduled<br>✗ by a refusal<br>† by a fallback<br>↻ to itself"]
//     end
//     bets ~~~ legend_
//     linkStyle 1,5 stroke:#d1495b
