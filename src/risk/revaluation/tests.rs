//! The kernels against one scalar price per position and rung.

use nalgebra::DMatrix;

use super::*;
use crate::domain::Right;
use crate::numerics::cholesky::Root;
use crate::numerics::philox::Philox;
use crate::numerics::vector::InstructionSet;
use crate::pricing::{OptionInputs, price};

pub(super) const NOW: [f64; 3] = [612.5, 88.0, 41.25];

/// Ordinary options, shares, and the edges: about to expire, expired after the roll, hardly any volatility
/// and far too much.
fn book() -> Vec<Position> {
    let mut uniform = [0.0; 400];
    Philox::new(5).uniforms(0, 0, &mut uniform);
    let mut book: Vec<Position> = uniform
        .chunks_exact(5)
        .enumerate()
        .map(|(i, u)| {
            let underlying = i % NOW.len();
            let inputs = OptionInputs {
                right: if u[0] < 0.5 { Right::Call } else { Right::Put },
                spot: NOW[underlying],
                strike: NOW[underlying] * (0.7 + 0.6 * u[1]),
                rate: 0.06 * u[2] - 0.01,
                dividend_yield: 0.02,
                vol_annual: 0.1 + 0.6 * u[3],
                tte_years: 0.01 + u[4],
            };
            Position {
                underlying,
                size: 100.0 * (10.0 * u[2] - 5.0).round(),
                contract: Contract::european(inputs),
            }
        })
        .collect();
    let Contract::Option { inputs: first, .. } = book[0].contract.clone() else { panic!("an option") };
    for (vol_annual, tte_years) in
        [(0.2, 1e-9), (0.2, 0.005), (0.2, 0.0), (0.0, 0.4), (45.0, 1.0), (1e-9, 0.4)]
    {
        let contract = Contract::european(OptionInputs { vol_annual, tte_years, ..first });
        book.push(Position { underlying: 0, size: -300.0, contract });
    }
    book.push(Position { underlying: 1, size: 250.0, contract: Contract::Shares });
    book
}

fn profit(book: &[Position], spot: impl Fn(usize) -> f64, vol: impl Fn(usize, f64) -> f64, roll: f64) -> f64 {
    let then: f64 = book
        .iter()
        .map(|position| {
            let spot = spot(position.underlying);
            position.size
                * match &position.contract {
                    Contract::Shares => spot,
                    Contract::Option { inputs, .. } => price(&OptionInputs {
                        spot,
                        vol_annual: vol(position.underlying, inputs.vol_annual),
                        tte_years: (inputs.tte_years - roll).max(0.0),
                        ..*inputs
                    }),
                }
        })
        .sum();
    then - book_value(book, &NOW)
}

/// Sums of some hundred positions of up to 60,000 each.
const CLOSE: f64 = 1e-6;

pub(super) struct Points(pub [f64; 3]);

impl VolMove for Points {
    fn vol(&self, row: usize, _: &Position, vol_annual: f64) -> f64 {
        (vol_annual + self.0[row]).max(0.01)
    }

    fn rows(&self) -> usize {
        self.0.len()
    }
}

#[test]
fn the_grid_is_the_sum_of_single_prices() {
    let book = book();
    let moves: Vec<f64> = (-10..=10).map(|i| f64::from(i) * 0.03).collect();
    let rows = NOW.map(|spot| moves.iter().map(|by| spot * (1.0 + by)).collect::<Vec<_>>());
    let ladders = Ladders::of(&rows).expect("good spots");
    let rolls = [0.0, 7.0 / 365.0, 30.0 / 365.0];
    let vols = [-0.12, 0.0, 0.3];
    for set in InstructionSet::available() {
        let axes = Axes { ladders: &ladders, vols: Points(vols), rolls: &rolls };
        let grid = grid_on(set, &book, &NOW, &axes).expect("a grid");
        for (k, roll) in rolls.iter().enumerate() {
            for (j, by) in vols.iter().enumerate() {
                for (i, spot) in moves.iter().enumerate() {
                    let want = profit(&book, |u| NOW[u] * (1.0 + spot), |_, vol| (vol + by).max(0.01), *roll);
                    let got = grid.at(k, j, i).expect("a cell");
                    assert!((got - want).abs() < CLOSE, "{} {k} {j} {i}: {got} not {want}", set.name());
                }
            }
        }
        assert_eq!(grid.at(3, 0, 0), None);
        assert_eq!(grid.at(0, 0, 21), None);
    }
}

pub(super) fn history(days: usize) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let row = |stream: u64, scale: f64| {
        let mut row = vec![0.0; days];
        crate::numerics::normals::draw(Philox::new(8), stream, 0, &mut row);
        row.iter_mut().for_each(|x| *x *= scale);
        row
    };
    ((0..3).map(|u| row(u, 0.02)).collect(), (0..3).map(|u| row(10 + u, 0.05)).collect())
}

#[test]
fn each_day_of_a_history_is_the_sum_of_single_prices() {
    let book = book();
    let (returns, moves) = history(1_037);
    for set in InstructionSet::available() {
        let got = historical_on(set, &book, &NOW, &returns, &moves, 1.0 / 365.0, 0.01).expect("profits");
        for day in [0, 1, 500, 1_023, 1_024, 1_036] {
            let vol = |u: usize, vol: f64| (vol + moves[u][day]).max(0.01);
            let want = profit(&book, |u| NOW[u] * returns[u][day].exp(), vol, 1.0 / 365.0);
            assert!((got[day] - want).abs() < CLOSE, "{} {day}: {} not {want}", set.name(), got[day]);
        }
    }
}

pub(super) fn root() -> Root {
    let deviations = [0.01, 0.02, 0.015];
    let covariance =
        DMatrix::from_fn(3, 3, |i, j| deviations[i] * deviations[j] * if i == j { 1.0 } else { 0.6 });
    Root::of(&covariance).expect("a covariance")
}

#[test]
fn a_path_depends_neither_on_threads_nor_on_how_many_there_are() {
    let book = book();
    let root = root();
    let run = |threads, paths| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let simulation = Simulation { root: &root, paths, seed: 7 };
        pool.install(|| monte_carlo(&book, &NOW, simulation, 1.0 / 365.0)).expect("profits")
    };
    let bits = |profits: &[f64]| profits.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
    let one = run(1, 5_000);
    assert_eq!(bits(&one), bits(&run(2, 5_000)));
    assert_eq!(bits(&one[..1_500]), bits(&run(2, 1_500)));
}

#[test]
fn the_paths_have_the_moments_they_were_asked_for() {
    let book = [
        Position { underlying: 0, size: 10.0, contract: Contract::Shares },
        Position { underlying: 1, size: -40.0, contract: Contract::Shares },
    ];
    let root = root();
    let profits =
        monte_carlo(&book, &NOW, Simulation { root: &root, paths: 200_000, seed: 3 }, 0.0).expect("profits");
    let n = 200_000.0;
    let mean = profits.iter().sum::<f64>() / n;
    let variance = profits.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    // Of lognormal spots: E S = S·e^(σ²/2), Cov = E S_i·E S_j·(e^(σ_ij) − 1).
    let worth = [10.0 * NOW[0] * 0.000_05f64.exp(), -40.0 * NOW[1] * 0.000_2f64.exp()];
    let want_mean = worth[0] + worth[1] - (10.0 * NOW[0] - 40.0 * NOW[1]);
    let covariance = [[0.000_1, 0.000_12], [0.000_12, 0.000_4]];
    let pairs = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let want: f64 = pairs.iter().map(|&(i, j)| worth[i] * worth[j] * f64::exp_m1(covariance[i][j])).sum();
    assert!((mean - want_mean).abs() < 4.0 * (want / n).sqrt(), "{mean} not {want_mean}");
    assert!((variance / want - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance} not {want}");
}

#[test]
fn what_cannot_be_priced_is_refused_by_name() {
    let good = book();
    let mut strange = good.clone();
    strange[4].underlying = 9;
    let (returns, moves) = history(10);
    let run = |book: &[Position], returns: &[Vec<f64>]| historical(book, &NOW, returns, &moves, 0.0, 0.01);
    assert_eq!(run(&strange, &returns), Err(Unpriceable::NoLadder { place: 4, underlying: 9 }));
    strange = good.clone();
    strange[2].size = f64::NAN;
    assert_eq!(run(&strange, &returns), Err(Unpriceable::Position { place: 2 }));
    assert_eq!(run(&good, &returns[..2]), Err(Unpriceable::Rows { found: 2, wanted: 3 }));
    let mut gap = returns.clone();
    gap[1][3] = f64::NAN;
    assert_eq!(run(&good, &gap), Err(Unpriceable::Move));
    assert_eq!(Ladders::of(&[vec![1.0, 0.0]]), None);
    assert_eq!(Ladders::of(&[vec![1.0], vec![1.0, 2.0]]), None);
}
