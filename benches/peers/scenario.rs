//! A book over 21 spots × 9 volatilities × 3 dates: 567 full revaluations of every position; all of them European,
//! then some American.

use std::hint::black_box;

use cotrader::numerics::vector::InstructionSet;
use cotrader::risk::revaluation::{Axes, Ladders, Position, VolMove, grid_on};
use serde_json::json;

use crate::book::{Book, SPOTS};
use crate::inputs::Inputs;
use crate::{Rounds, emit, timed};

struct Points<'a> {
    moves: &'a [f64],
    floor: f64,
}

impl VolMove for Points<'_> {
    fn vol(&self, row: usize, _: &Position, vol_annual: f64) -> f64 {
        (vol_annual + self.moves[row]).max(self.floor)
    }

    fn rows(&self) -> usize {
        self.moves.len()
    }
}

#[derive(serde::Deserialize)]
struct Shocks {
    spot: Vec<f64>,
    vol: Vec<f64>,
    days: Vec<f64>,
    vol_floor: f64,
}

fn shocks(inputs: &Inputs) -> Shocks {
    inputs.document("scenario.json").unwrap_or_else(|| Shocks {
        spot: (0..SPOTS).map(|i| -0.30 + 0.03 * f64::from(i)).collect(),
        vol: (0..9).map(|i| -0.12 + 0.03 * f64::from(i)).collect(),
        days: vec![0.0, 7.0, 30.0],
        vol_floor: 0.01,
    })
}

pub fn run(inputs: &Inputs, rounds: Rounds) {
    let shocks = shocks(inputs);
    for (positions, american_share) in [(1_000, 0.0), (10_000, 0.0), (1_000, 0.3), (10_000, 0.3)] {
        let book = Book::of(inputs, rounds.rows(positions)).with_americans(american_share);
        let Book { now, positions, .. } = book;
        let rows: Vec<Vec<f64>> =
            now.iter().map(|spot| shocks.spot.iter().map(|by| spot * (1.0 + by)).collect()).collect();
        let ladders = Ladders::of(&rows).expect("positive spots");
        let rolls: Vec<f64> = shocks.days.iter().map(|days| days / 365.0).collect();
        let vols = Points { moves: &shocks.vol, floor: shocks.vol_floor };
        let axes = Axes { ladders: &ladders, vols, rolls: &rolls };
        let nodes = positions.len() * shocks.spot.len() * shocks.vol.len() * shocks.days.len();
        for set in InstructionSet::available() {
            let mut grid = grid_on(set, &positions, &now, &axes).expect("a grid");
            let time = timed(rounds.of(7), || {
                grid = grid_on(black_box(set), black_box(&positions), &now, &axes).expect("a grid");
            });
            let corner = |roll, vol, spot| grid.at(roll, vol, spot).expect("a corner");
            let corners = [corner(0, 0, 0), corner(2, 8, 20), corner(0, 4, 10)];
            let sum: f64 = grid.profits().iter().sum();
            let more = json!({
                "positions": positions.len(),
                "american_share": american_share,
                "nodes": nodes,
                "grid_sum": sum,
                "corners": corners,
            });
            emit("scenario", set.name(), nodes, time, &more);
        }
    }
}
