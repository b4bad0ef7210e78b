//! Books with early exercise against one scalar price per position and scenario, and legs of a risk book.

use std::sync::Arc;

use super::along::merged;
use super::tests::{NOW, Points, history, root};
use super::*;
use crate::domain::Right;
use crate::numerics::philox::Philox;
use crate::pricing::american::CashDividend;
use crate::pricing::{Exercise, OptionInputs};
use crate::risk::fixtures::{book_b, close, option};
use crate::risk::{LegPricing, RiskBook};

const DAY: f64 = 1.0 / 365.0;

/// Calls and puts, with a yield, with dividends in cash, and European ones that hold an escrow.
fn book() -> Vec<Position> {
    let mut uniform = [0.0; 100];
    Philox::new(11).uniforms(0, 0, &mut uniform);
    uniform
        .chunks_exact(5)
        .enumerate()
        .map(|(i, u)| {
            let underlying = i % NOW.len();
            let tte_years = if i == 7 { 0.01 } else { 0.1 + 1.5 * u[4] };
            let cash = i % 5 == 0;
            let dividends: Vec<CashDividend> = (0..6)
                .map(|k| CashDividend {
                    years: 0.07 + 0.25 * f64::from(k),
                    present_value: 0.006 * NOW[underlying],
                })
                .filter(|dividend| cash && dividend.years < tte_years)
                .collect();
            let escrow = dividends.iter().map(|dividend| dividend.present_value).sum();
            let inputs = OptionInputs {
                right: if u[0] < 0.4 { Right::Call } else { Right::Put },
                spot: NOW[underlying] - escrow,
                strike: NOW[underlying] * (0.7 + 0.6 * u[1]),
                rate: 0.01 + 0.05 * u[2],
                dividend_yield: if cash { 0.0 } else { 0.06 * u[0] },
                vol_annual: 0.1 + 0.5 * u[3],
                tte_years,
            };
            let exercise = match i % 10 {
                5 => Exercise::AtExpiry,
                _ => Exercise::Anytime { dividends: dividends.into() },
            };
            let contract = Contract::Option { inputs, escrow, exercise };
            Position { underlying, size: if i % 2 == 0 { -1.0 } else { 1.0 }, contract }
        })
        .collect()
}

/// One unit at a plain spot after some time, by the scalar path.
fn worth(contract: &Contract, spot: f64, vol: impl Fn(f64) -> f64, years: f64) -> f64 {
    let Contract::Option { inputs, escrow, exercise } = contract else { return spot };
    let tte_years = (inputs.tte_years - years).max(0.0);
    let later = exercise.later(years, inputs.rate);
    let held = if tte_years > 0.0 { later.escrow(tte_years).unwrap_or(*escrow) } else { 0.0 };
    let spot = (spot - held).max(0.0);
    later.price(&OptionInputs { spot, vol_annual: vol(inputs.vol_annual), tte_years, ..*inputs })
}

fn change(position: &Position, spot: f64, vol: impl Fn(f64) -> f64, years: f64) -> f64 {
    let now = worth(&position.contract, NOW[position.underlying], |vol| vol, 0.0);
    position.size * (worth(&position.contract, spot, vol, years) - now)
}

/// Of the fast mode, twice: here and in what it is compared with.
fn close_enough(position: &Position) -> f64 {
    match &position.contract {
        Contract::Option { inputs, .. } => 1e-4 * inputs.strike * position.size.abs(),
        Contract::Shares => 1e-9,
    }
}

fn threads<T: Send>(count: usize, work: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(count).build().expect("threads").install(work)
}

fn bits(profits: &[f64]) -> Vec<u64> {
    profits.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn every_node_is_the_scalar_price() {
    let moves: Vec<f64> = (-4..=4).map(|i| f64::from(i) * 0.07).collect();
    let rows = NOW.map(|spot| moves.iter().map(|by| spot * (1.0 + by)).collect::<Vec<_>>());
    let ladders = Ladders::of(&rows).expect("good spots");
    let (rolls, vols) = ([0.0, 7.0 * DAY, 30.0 * DAY], [-0.12, 0.0, 0.3]);
    let (mut squares, mut count) = (0.0, 0.0);
    for position in book() {
        let axes = Axes { ladders: &ladders, vols: Points(vols), rolls: &rolls };
        let grid = grid(std::slice::from_ref(&position), &NOW, &axes).expect("a grid");
        for (k, roll) in rolls.iter().enumerate() {
            for (j, by) in vols.iter().enumerate() {
                for (i, spot) in moves.iter().enumerate() {
                    let spot = NOW[position.underlying] * (1.0 + spot);
                    let want = change(&position, spot, |vol| (vol + by).max(0.01), *roll);
                    let off = (grid.at(k, j, i).expect("a cell") - want).abs();
                    // On the first date both are one solution.
                    let within = if k == 0 { 1e-9 } else { close_enough(&position) };
                    assert!(off < within, "{k} {j} {i}: off by {off} in {position:?}");
                    let relative = off / close_enough(&position);
                    (squares, count) = (squares + relative * relative, count + 1.0);
                }
            }
        }
    }
    assert!(f64::sqrt(squares / count) < 0.05, "{}", f64::sqrt(squares / count));
}

#[test]
fn each_day_of_a_history_is_the_scalar_price() {
    let (returns, moves) = history(12);
    for position in book() {
        let profits = historical(std::slice::from_ref(&position), &NOW, &returns, &moves, DAY, 0.03);
        let u = position.underlying;
        for (day, profit) in profits.expect("profits").iter().enumerate() {
            let spot = NOW[u] * returns[u][day].exp();
            let want = change(&position, spot, |vol| (vol + moves[u][day]).max(0.03), DAY);
            assert!((profit - want).abs() < close_enough(&position), "{profit} not {want}: {position:?}");
        }
    }
}

#[test]
fn each_path_is_the_scalar_price() {
    let root = root();
    let simulation = Simulation { root: &root, paths: 10, seed: 9 };
    let spots: Vec<Vec<f64>> = (0..NOW.len())
        .map(|underlying| {
            let one = Position { underlying, size: 1.0, contract: Contract::Shares };
            let profits = monte_carlo(&[one], &NOW, simulation, DAY).expect("profits");
            profits.iter().map(|profit| NOW[underlying] + profit).collect()
        })
        .collect();
    for position in book() {
        let profits = monte_carlo(std::slice::from_ref(&position), &NOW, simulation, DAY).expect("profits");
        for (profit, spot) in profits.iter().zip(&spots[position.underlying]) {
            let want = change(&position, *spot, |vol| vol, DAY);
            assert!((profit - want).abs() < close_enough(&position), "{profit} not {want}: {position:?}");
        }
    }
}

#[test]
fn what_no_table_can_hold_is_priced_on_its_own() {
    let (returns, mut moves) = history(20);
    moves.iter_mut().for_each(|row| row[3] = -5.0);
    let position = book().remove(1);
    let profits = historical(std::slice::from_ref(&position), &NOW, &returns, &moves, DAY, 0.0);
    let u = position.underlying;
    let want = change(&position, NOW[u] * returns[u][3].exp(), |_| 0.0, DAY);
    close(profits.expect("profits")[3], want, close_enough(&position));
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let book: Vec<Position> = book().into_iter().cycle().take(200).collect();
    let rows = NOW.map(|spot| [0.8 * spot, spot, 1.1 * spot]);
    let ladders = Ladders::of(&rows).expect("good spots");
    let (returns, moves) = history(6);
    let root = root();
    let all = |count| {
        threads(count, || {
            let axes = Axes { ladders: &ladders, vols: Points([-0.05, 0.0, 0.1]), rolls: &[0.0, 0.02] };
            let grid = grid(&book, &NOW, &axes).expect("a grid");
            let history = historical(&book, &NOW, &returns, &moves, DAY, 0.01).expect("profits");
            let simulation = Simulation { root: &root, paths: 1_100, seed: 2 };
            let paths = monte_carlo(&book, &NOW, simulation, DAY).expect("profits");
            let worths = Solved::of(&book, DAY, |_, vol| Some(vol)).worths(&ladders);
            [grid.profits(), &history, &paths, &worths].map(bits)
        })
    };
    assert_eq!(all(1), all(2));
}

#[test]
fn positions_that_differ_only_in_size_are_one() {
    let few: Vec<Position> = book().into_iter().take(4).collect();
    let many: Vec<Position> = few.iter().cloned().cycle().take(12).collect();
    let thrice: Vec<Position> =
        few.iter().map(|position| Position { size: 3.0 * position.size, ..position.clone() }).collect();
    assert_eq!(*merged(&many), thrice);
    assert_eq!(*merged(&few), few);
    let mut other = few[0].clone();
    if let Contract::Option { exercise, .. } = &mut other.contract {
        let dividends = [CashDividend { years: 0.05, present_value: 0.3 }];
        *exercise = Exercise::Anytime { dividends: Arc::from(dividends) };
    }
    assert_eq!(merged(&[few[0].clone(), other]).len(), 2, "another dividend is another contract");
}

fn american_legs() -> RiskBook {
    let mut book = book_b();
    for leg in &mut book.legs[..5] {
        if let LegPricing::Option { exercise, .. } = &mut leg.priced {
            *exercise = Exercise::anytime();
        }
    }
    book
}

#[test]
fn legs_of_a_risk_book_are_positions() {
    let mut book = american_legs();
    book.underlyings[1].spot = None;
    book.legs[2].quantity = f64::NAN;
    let holdings = Holdings::of(&book);
    assert_eq!(holdings.underlyings, [0, 2], "what has no spot has no ladder");
    assert_eq!(holdings.now, [600.0, 230.0]);
    assert_eq!(holdings.legs, [0, 1, 3, 6, 7]);
    let shares = &holdings.positions[3];
    assert_eq!((shares.underlying, shares.size, &shares.contract), (1, 200.0, &Contract::Shares));
    assert_eq!(holdings.positions[1].size, -200.0);
    let kept = holdings.legs.iter().map(|leg| &book.legs[*leg]);
    for (leg, position) in kept.zip(&holdings.positions) {
        let Contract::Option { inputs, exercise, .. } = &position.contract else { continue };
        let LegPricing::Option { inputs: priced, exercise: allowed, .. } = &leg.priced else {
            panic!("an option")
        };
        assert_eq!((inputs, exercise), (priced, allowed));
    }
}

#[test]
fn every_kernel_takes_a_risk_book() {
    let mut book = american_legs();
    book.legs.push(option(0, 3.0, Right::Put, 560.0, 0.205));
    let Holdings { positions, now, .. } = Holdings::of(&book);
    let fall: Vec<Vec<f64>> = now.iter().map(|_| vec![f64::ln(0.95)]).collect();
    let still: Vec<Vec<f64>> = now.iter().map(|_| vec![0.0]).collect();
    let day = historical(&positions, &now, &fall, &still, 0.0, 0.01).expect("profits")[0];
    let fallen: Vec<[f64; 1]> = now.iter().map(|spot| [0.95 * spot]).collect();
    let ladders = Ladders::of(&fallen).expect("good spots");
    let solved = Solved::of(&positions, 0.0, |_, vol| Some(vol));
    let then: f64 = solved.worths(&ladders).iter().sum();
    let axes = Axes { ladders: &ladders, vols: Points([0.0; 3]), rolls: &[0.0] };
    let grid = grid(&positions, &now, &axes).expect("a grid");
    close(grid.at(0, 0, 0).expect("a cell"), then - book_value(&positions, &now), 1e-8);
    close(day, grid.at(0, 0, 0).expect("a cell"), 0.5);
}
