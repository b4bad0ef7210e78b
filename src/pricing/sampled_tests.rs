//! The simulation tools together: reference portfolios revalued over correlated paths, against a reference of ten
//! million paths.

use nalgebra::DMatrix;
use serde_json::Value;

use super::{OptionInputs, price, raw_greeks};
use crate::domain::Right;
use crate::numerics::cholesky::Root;
use crate::numerics::philox::Philox;
use crate::numerics::{normals, optional_data, tail};

const PATHS: usize = 24 * 1_024;
const BLOCK: usize = 1_024;
const DAY: f64 = 1.0 / 365.0;

struct Leg {
    underlying: usize,
    units: f64,
    /// `None`: shares.
    option: Option<OptionInputs>,
    spot: f64,
}

impl Leg {
    fn value(&self, spot: f64, vol_change: f64, days: f64) -> f64 {
        let Some(today) = self.option else { return self.units * spot };
        let vol_annual =
            if vol_change == 0.0 { today.vol_annual } else { (today.vol_annual + vol_change).max(0.01) };
        let tte_years = today.tte_years - days * DAY;
        self.units * price(&OptionInputs { spot, vol_annual, tte_years, ..today })
    }
}

struct Portfolio {
    legs: Vec<Leg>,
    spots: Vec<f64>,
    has_vols: bool,
    root: Root,
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn portfolio(case: &Value) -> Portfolio {
    let underlyings = list(&case["underlyings"]);
    let spots: Vec<f64> = underlyings.iter().map(|u| number(&u["spot"])).collect();
    let vols: Vec<f64> = list(&case["vol_factor_daily"]).iter().map(number).collect();
    let has_vols = vols.iter().any(|vol| *vol != 0.0);
    let mut deviations: Vec<f64> = underlyings.iter().map(|u| number(&u["sigma_daily"])).collect();
    if has_vols {
        deviations.extend(vols);
    }
    let rows = list(&case["corr"]);
    let covariance = DMatrix::from_fn(deviations.len(), deviations.len(), |i, j| {
        number(&rows[i][j]) * deviations[i] * deviations[j]
    });
    let legs = list(&case["legs"]).iter().map(|leg| {
        let underlying = leg["u"].as_u64().expect("a place") as usize;
        let parameters = &underlyings[underlying];
        let spot = number(&parameters["spot"]);
        let option = (leg["kind"] == "option").then(|| OptionInputs {
            right: if leg["type"] == "C" { Right::Call } else { Right::Put },
            spot,
            strike: number(&leg["strike"]),
            rate: number(&parameters["rate"]),
            dividend_yield: number(&parameters["div"]),
            vol_annual: number(&leg["vol"]),
            tte_years: number(&leg["days"]) * DAY,
        });
        Leg { underlying, units: number(&leg["qty"]) * number(&leg["multiplier"]), option, spot }
    });
    let legs = legs.collect();
    Portfolio { legs, spots, has_vols, root: Root::of(&covariance).expect("a covariance") }
}

impl Portfolio {
    fn value_today(&self) -> f64 {
        self.legs.iter().map(|leg| leg.value(leg.spot, 0.0, 0.0)).sum()
    }

    /// P&L of the paths from `first` on.
    fn block(&self, first: usize, out: &mut [f64]) {
        let (factors, paths) = (self.root.size(), out.len());
        let mut independent = vec![0.0; factors * paths];
        for (factor, numbers) in independent.chunks_exact_mut(paths).enumerate() {
            normals::draw_antithetic(Philox::new(2_026), factor as u64, first as u64, numbers);
        }
        let mut moves = vec![0.0; factors * paths];
        self.root.correlate(&independent, paths, &mut moves);
        let today = self.value_today();
        for (path, pnl) in out.iter_mut().enumerate() {
            let tomorrow: f64 = self
                .legs
                .iter()
                .map(|leg| {
                    let spot = self.spots[leg.underlying] * moves[leg.underlying * paths + path].exp();
                    let vol = if self.has_vols {
                        moves[(self.spots.len() + leg.underlying) * paths + path]
                    } else {
                        0.0
                    };
                    leg.value(spot, vol, 1.0)
                })
                .sum();
            *pnl = tomorrow - today;
        }
    }

    fn simulate(&self, threads: usize) -> Vec<f64> {
        let mut pnl = vec![0.0; PATHS];
        let share = PATHS.div_ceil(threads).next_multiple_of(64);
        std::thread::scope(|scope| {
            for (at, part) in pnl.chunks_mut(share).enumerate() {
                scope.spawn(move || {
                    for (block, out) in part.chunks_mut(BLOCK).enumerate() {
                        self.block(at * share + block * BLOCK, out);
                    }
                });
            }
        });
        pnl
    }
}

fn cases() -> Option<Vec<Value>> {
    let text = optional_data::text("reference/numerics/var_cases.json")?;
    let file: Value = serde_json::from_str(&text).expect("JSON");
    Some(list(&file["cases"]).to_vec())
}

#[test]
fn exposures_of_the_reference_portfolios() {
    for case in cases().unwrap_or_default() {
        let (book, want) = (portfolio(&case), &case["expected"]);
        let close = |got: f64, want: &Value| {
            let want = number(want);
            assert!((got - want).abs() <= 1e-10 * want.abs(), "{}: {got}, not {want}", case["name"]);
        };
        close(book.value_today(), &want["value_today"]);
        let mut theta = 0.0;
        for (place, spot) in book.spots.iter().enumerate() {
            let (mut delta, mut gamma, mut vega) = (0.0, 0.0, 0.0);
            for leg in book.legs.iter().filter(|leg| leg.underlying == place) {
                let greeks = leg.option.as_ref().map(raw_greeks);
                delta += leg.units * spot * greeks.map_or(1.0, |g| g.delta);
                gamma += leg.units * spot * spot * greeks.map_or(0.0, |g| g.gamma);
                vega += leg.units * greeks.map_or(0.0, |g| g.vega.0);
                theta += leg.units * greeks.map_or(0.0, |g| g.theta.0);
            }
            close(delta, &want["dollar_delta"][place]);
            close(gamma, &want["dollar_gamma_matrix"][place][place]);
            if book.has_vols {
                close(vega, &want["vega"][place]);
            }
        }
        close(theta, &want["theta_per_year"]);
    }
}

#[test]
fn sampled_tails_agree_with_ten_million_paths() {
    for case in cases().unwrap_or_default() {
        let mut pnl = portfolio(&case).simulate(2);
        let want = &case["expected"]["monte_carlo_full_revaluation"];
        for (confidence, var, shortfall) in [(0.95, "VaR95", "ES95"), (0.99, "VaR99", "ES99")] {
            let got = tail::of(&mut pnl, confidence).expect("finite");
            for (value, error, key) in
                [(got.var, got.var_error, var), (got.shortfall, got.shortfall_error, shortfall)]
            {
                let (truth, its_error) = (number(&want[key]), number(&want[format!("{key}_se")]));
                let allowed = 4.0 * error.hypot(its_error);
                assert!(
                    (value - truth).abs() <= allowed,
                    "{} {key}: {value} ± {error}, not {truth}",
                    case["name"]
                );
                assert!(error < 0.05 * truth, "{} {key}: an error of {error} proves nothing", case["name"]);
            }
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let Some(cases) = cases() else { return };
    let book = portfolio(&cases[1]);
    let bits = |threads| book.simulate(threads).into_iter().map(f64::to_bits).collect::<Vec<_>>();
    let one = bits(1);
    assert_eq!(one, bits(2));
    assert_eq!(one, bits(5));
}

/// Expires in 28.23 days; quantity, right, strike, volatility.
fn contracts(underlying: usize, spot: f64, dividend_yield: f64, list: &[(f64, Right, f64, f64)]) -> Vec<Leg> {
    let leg = |&(quantity, right, strike, vol_annual): &(f64, Right, f64, f64)| Leg {
        underlying,
        units: 100.0 * quantity,
        option: Some(OptionInputs {
            right,
            spot,
            strike,
            rate: 0.04,
            dividend_yield,
            vol_annual,
            tte_years: 28.229_166_666_666_667 * DAY,
        }),
        spot,
    };
    list.iter().map(leg).collect()
}

/// Four legs in an index fund, two in another, a stock with calls against it: revalued fully at simple moves of
/// the spots, against a reference by 2²⁰ quasi-random points.
#[test]
fn the_worked_book_under_simple_moves() {
    use Right::{Call, Put};
    let spots = [600.0, 520.0, 230.0];
    let condor = [
        (2.0, Put, 560.0, 0.205),
        (-2.0, Put, 570.0, 0.195),
        (-2.0, Call, 630.0, 0.145),
        (2.0, Call, 640.0, 0.142),
    ];
    let strangle = [(-1.0, Put, 490.0, 0.235), (-1.0, Call, 550.0, 0.185)];
    let mut legs = contracts(0, 600.0, 0.012, &condor);
    legs.extend(contracts(1, 520.0, 0.006, &strangle));
    legs.extend(contracts(2, 230.0, 0.0, &[(-2.0, Call, 240.0, 0.24)]));
    legs.push(Leg { underlying: 2, units: 200.0, option: None, spot: 230.0 });
    let deviation = [0.010, 0.014, 0.017];
    let correlation = [[1.0, 0.92, 0.65], [0.92, 1.0, 0.72], [0.65, 0.72, 1.0]];
    let covariance = DMatrix::from_fn(3, 3, |i, j| correlation[i][j] * deviation[i] * deviation[j]);
    let root = Root::of(&covariance).expect("a covariance");
    let paths = 64 * 1_024;
    let mut independent = vec![0.0; 3 * paths];
    for (factor, numbers) in independent.chunks_exact_mut(paths).enumerate() {
        normals::draw_antithetic(Philox::new(20), factor as u64, 0, numbers);
    }
    let mut moves = vec![0.0; 3 * paths];
    root.correlate(&independent, paths, &mut moves);
    let today: f64 = legs.iter().map(|leg| leg.value(leg.spot, 0.0, 0.0)).sum();
    let tomorrow = |path: usize| -> f64 {
        let at = |leg: &Leg| spots[leg.underlying] * (1.0 + moves[leg.underlying * paths + path]);
        legs.iter().map(|leg| leg.value(at(leg), 0.0, 0.0)).sum()
    };
    let mut pnl: Vec<f64> = (0..paths).map(|path| tomorrow(path) - today).collect();
    for (confidence, var, shortfall) in [(0.95, 1_106.66, 1_443.94), (0.99, 1_654.29, 1_953.9)] {
        let got = tail::of(&mut pnl, confidence).expect("finite");
        for (value, error, want) in
            [(got.var, got.var_error, var), (got.shortfall, got.shortfall_error, shortfall)]
        {
            // The reference is good to half a percent.
            let allowed = 4.0 * error.hypot(0.005 / 4.0 * want);
            assert!((value - want).abs() <= allowed, "{value} ± {error}, not {want}");
        }
    }
}
