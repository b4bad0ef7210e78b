//! Value, Greeks, implied volatility, payoff and odds of whatever numbers come.

use super::Bytes;
use crate::numerics::normal::{cdf, pdf};
use crate::numerics::vector::InstructionSet;
use crate::pricing::american::{self as early, Accuracy, American, CashDividend};
use crate::pricing::batch::{self, BatchGreeks, GreekTable, OptionTable};
use crate::pricing::first_passage::{Diffusion, Watch, reaches};
use crate::pricing::implied_vol::{QuoteInputs, QuoteTable, VolTable, implied_vols_on};
use crate::pricing::payoff::{ExpiryPnl, PayoffLeg, SpotRange, at_near_expiry};
use crate::pricing::probability::{Lognormal, Odds};
use crate::pricing::{ImpliedVolError, OptionInputs, RawGreeks, price, raw_greeks};

/// A batch never gets more rows than this from one input.
const MOST_ROWS: usize = 24;

fn option(bytes: &mut Bytes) -> OptionInputs {
    OptionInputs {
        right: bytes.right(),
        spot: bytes.number(0.0, 1_000.0),
        strike: bytes.number(0.0, 1_000.0),
        rate: bytes.number(-0.1, 0.3),
        dividend_yield: bytes.number(-0.1, 0.3),
        vol_annual: bytes.number(0.0, 3.0),
        tte_years: bytes.number(0.0, 5.0),
    }
}

/// Spot and strike as they are worth today; where both are numbers of ordinary size, bounds can be tested.
fn sides(option: &OptionInputs) -> Option<(f64, f64)> {
    let t = option.tte_years.max(0.0);
    let (forward_side, strike_side) =
        (option.spot * (-option.dividend_yield * t).exp(), option.strike * (-option.rate * t).exp());
    let ordinary = |x: f64| x == 0.0 || (x > 1e-150 && x < 1e150);
    (option.is_valid() && ordinary(forward_side) && ordinary(strike_side))
        .then_some((forward_side, strike_side))
}

#[track_caller]
fn all_finite(raw: &RawGreeks, option: &OptionInputs) {
    assert!(raw.price.is_finite() && raw.price >= 0.0, "{option:?}: {raw:?}");
    assert!(*raw == raw.finite(), "{option:?}: {raw:?}");
}

/// European prices and Greeks, one by one and in batches: numbers for any numbers, between their bounds, in
/// parity, and the same by either way.
pub fn european(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let mut options = Vec::new();
    while !bytes.is_empty() && options.len() < MOST_ROWS {
        let option = option(&mut bytes);
        options.push(option);
        // Black's model is the same formula with the forward in place of the spot.
        let OptionInputs { right, spot, strike, rate, vol_annual, tte_years, .. } = option;
        options.push(OptionInputs::on_forward(right, spot, strike, rate, vol_annual, tte_years));
    }
    for option in &options {
        let raw = raw_greeks(option);
        all_finite(&raw, option);
        assert_eq!(raw.price, price(option), "{option:?}");
        bounds(option, &raw);
    }
    let table: OptionTable = options.iter().collect();
    let mut rows = GreekTable::default();
    for set in InstructionSet::available() {
        batch::greeks_on(set, &table, &mut rows);
        assert_eq!(rows.len(), options.len());
        for (row, option) in rows.iter().zip(&options) {
            same(&row, option, set);
        }
    }
}

fn bounds(option: &OptionInputs, raw: &RawGreeks) {
    let Some((forward_side, strike_side)) = sides(option) else { return };
    let slack = 1e-12 * (forward_side + strike_side);
    let sign = option.right.sign();
    let most = if sign > 0.0 { forward_side } else { strike_side };
    assert!(raw.price >= sign * (forward_side - strike_side) - slack, "below intrinsic: {option:?} {raw:?}");
    assert!(raw.price <= most + slack, "above the most it can be worth: {option:?} {raw:?}");
    let carry = (-option.dividend_yield * option.tte_years.max(0.0)).exp();
    assert!((0.0..=carry * (1.0 + 1e-12)).contains(&(sign * raw.delta)), "{option:?} {raw:?}");
    assert!(raw.gamma >= 0.0 && raw.vega.0 >= 0.0 && raw.dual_gamma >= 0.0, "{option:?} {raw:?}");
    let other = match option.right {
        crate::domain::Right::Call => crate::domain::Right::Put,
        crate::domain::Right::Put => crate::domain::Right::Call,
    };
    let gap = sign * (raw.price - price(&OptionInputs { right: other, ..*option }));
    assert!((gap - (forward_side - strike_side)).abs() <= slack, "parity: {option:?} {raw:?}");
}

/// A row of the batch means what the scalar formulas mean.
fn same(row: &BatchGreeks, option: &OptionInputs, set: InstructionSet) {
    let raw = raw_greeks(option);
    let OptionInputs { spot, strike, vol_annual: v, tte_years: t, .. } = *option;
    let rates = (option.rate.abs() + option.dividend_yield.abs()) * t.abs();
    let grown = (rates.min(700.0)).exp();
    let (cash, deviation) = ((spot + strike) * grown, v * t.sqrt());
    let pairs = [
        ("price", row.price, raw.price, cash),
        ("delta", row.delta, raw.delta, grown),
        ("gamma", row.gamma, raw.gamma, grown / (spot * deviation)),
        ("vega", row.vega.0, raw.vega.0, cash * t.sqrt()),
        ("theta", row.theta.0, raw.theta.0, cash * (1.0 + rates + deviation) / t),
        ("rho", row.rho.0, raw.rho.0, cash * t),
        ("vanna", row.vanna.0, raw.vanna.0, grown / v),
        ("volga", row.volga.0, raw.volga.0, cash * t.sqrt() / v),
        ("charm", row.charm.0, raw.charm.0, grown * (1.0 + rates) / t),
    ];
    // The formulas lose digits to a small deviation and to large rates, in either way of computing them.
    let slack = 1e-11 * (1.0 + 1.0 / deviation) * (1.0 + rates / deviation) * (1.0 + rates);
    for (name, got, want, scale) in pairs {
        let near = (got - want).abs() <= slack * (scale.abs() + want.abs());
        assert!(got == want || near, "{} {name}: {got:e}, not {want:e}: {option:?}", set.name());
    }
}

/// What rounding price, sides and the model's own value may move a volatility by, relatively, in units of the
/// last place.
pub(crate) fn condition(option: &OptionInputs, price: f64) -> f64 {
    let OptionInputs { spot, strike, rate, dividend_yield: q, vol_annual, tte_years: tau, .. } = *option;
    let deviation = vol_annual * tau.sqrt();
    let (forward_side, strike_side) = (spot * (-q * tau).exp(), strike * (-rate * tau).exp());
    let centre = ((spot / strike).ln() + (rate - q) * tau) / deviation;
    let (d1, d2) = (centre + 0.5 * deviation, centre - 0.5 * deviation);
    let vega = forward_side * pdf(d1) * deviation;
    let sign = option.right.sign();
    let sides = forward_side * cdf(sign * d1) + strike_side * cdf(sign * d2);
    let rates = 2.0 + (rate.abs() + q.abs()) * tau;
    // Among the subnormal numbers the last place does not shrink any more.
    1.0 + ((1.0 + d1 * d1 + d2 * d2) * (price + f64::MIN_POSITIVE) + rates * sides) / vega
}

pub(crate) fn quote(option: &OptionInputs, price: f64) -> QuoteInputs {
    let OptionInputs { right, spot, strike, rate, dividend_yield, tte_years, .. } = *option;
    QuoteInputs { right, price, spot, strike, rate, dividend_yield, tte_years }
}

/// Row for row, with what the table of answers says about itself tested.
pub(crate) fn vols(set: InstructionSet, quotes: &[QuoteInputs]) -> Vec<Result<f64, ImpliedVolError>> {
    let table: QuoteTable = quotes.iter().copied().collect();
    let mut out = VolTable::default();
    implied_vols_on(set, &table, &mut out);
    assert_eq!(out.len(), quotes.len());
    let rows: Vec<_> = out.iter().collect();
    for (row, answer) in rows.iter().enumerate() {
        assert_eq!(out.get(row).as_ref(), Some(answer));
    }
    assert_eq!(rows.iter().filter(|row| row.is_err()).count(), out.errors().len());
    rows
}

/// The volatility of a model price is the one it was priced at, by every solver, as far as the problem's condition
/// lets it be known.
pub(crate) fn round_trip(
    options: &[OptionInputs],
    alone: impl Fn(InstructionSet, &QuoteInputs) -> Result<f64, ImpliedVolError>,
) {
    let quotes: Vec<QuoteInputs> = options.iter().map(|option| quote(option, price(option))).collect();
    for set in InstructionSet::available() {
        let scalar: Vec<_> = quotes.iter().map(|quote| alone(set, quote)).collect();
        let found = vols(set, &quotes);
        for (((got, scalar), option), quote) in found.iter().zip(&scalar).zip(options).zip(&quotes) {
            let bound = 4.0 * f64::EPSILON * condition(option, quote.price);
            // Also where the condition itself is beyond all numbers.
            let known = bound <= 0.025;
            match (got, scalar) {
                (Ok(got), Ok(scalar)) => {
                    let (way, back) = ((got / scalar - 1.0).abs(), (got / option.vol_annual - 1.0).abs());
                    assert!(!known || way <= bound, "{}: {got}, not {scalar}: {quote:?}", set.name());
                    assert!(!known || back <= bound, "{}: {got}: {option:?}", set.name());
                }
                _ => {
                    assert_eq!(got, scalar, "{} {quote:?}", set.name());
                    let lost = bound.is_nan() || bound > 0.0025 || quote.price == 0.0;
                    assert!(lost, "{option:?}: {got:?}");
                }
            }
        }
    }
}

/// Any quote has a positive volatility or the reason why there is none, and the solvers agree which.
pub(crate) fn vol_or_reason(quotes: &[QuoteInputs]) {
    for set in InstructionSet::available() {
        for (got, quote) in vols(set, quotes).iter().zip(quotes) {
            let scalar = quote.implied_vol();
            match (got, scalar) {
                (Ok(got), Ok(_)) => assert!(got.is_finite() && *got > 0.0, "{got}: {quote:?}"),
                (got, scalar) => assert_eq!(*got, scalar, "{} {quote:?}", set.name()),
            }
            classified(quote, &scalar);
        }
    }
}

/// The reasons that need no solver.
fn classified(quote: &QuoteInputs, answer: &Result<f64, ImpliedVolError>) {
    use ImpliedVolError as E;
    let QuoteInputs { price, spot, strike, rate, dividend_yield, tte_years, .. } = *quote;
    let finite = [price, spot, strike, rate, dividend_yield, tte_years].iter().all(|x| x.is_finite());
    let expected = if !finite || spot <= 0.0 || strike <= 0.0 {
        Some(E::NotFinite)
    } else if tte_years <= 0.0 {
        Some(E::Expired)
    } else if price < 0.0 {
        Some(E::NegativePrice)
    } else if price == 0.0 {
        Some(E::ZeroPrice)
    } else {
        None
    };
    match expected {
        Some(error) => assert_eq!(*answer, Err(error), "{quote:?}"),
        None => assert!(
            !matches!(answer, Err(E::NotFinite | E::Expired | E::NegativePrice | E::ZeroPrice)),
            "{quote:?}: {answer:?}"
        ),
    }
}

/// Implied volatility: model prices lead back, and nonsense is refused with its class.
pub fn implied_vol(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let (mut options, mut quotes) = (Vec::new(), Vec::new());
    while !bytes.is_empty() && quotes.len() < MOST_ROWS {
        let any = option(&mut bytes);
        quotes.push(quote(&any, bytes.number(0.0, 1_000.0)));
        // From the ends of the smile to its middle, tiny and huge volatility included.
        let (total, tte_years) = (bytes.within(-6.0, 1.6).exp(), bytes.within(-7.0, 2.5).exp());
        let spot = bytes.within(-5.0, 9.0).exp();
        options.push(OptionInputs {
            right: bytes.right(),
            spot,
            strike: spot * (bytes.within(-6.0, 6.0) * total).exp(),
            rate: bytes.within(-0.05, 0.2),
            dividend_yield: bytes.within(-0.02, 0.12),
            vol_annual: total / tte_years.sqrt(),
            tte_years,
        });
    }
    round_trip(&options, |_, quote| quote.implied_vol());
    vol_or_reason(&quotes);
}

/// American options: never below European value or exercise, and numbers for any numbers.
pub fn american(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let kind = bytes.byte();
    let inputs = option(&mut bytes);
    let mut dividends = Vec::new();
    for _ in 0..kind % 4 {
        let years = bytes.number(0.0, 2.0);
        let present_value = bytes.number(0.0, 10.0);
        if years.is_finite() && present_value.is_finite() {
            dividends.push(CashDividend { years, present_value });
        }
    }
    let accuracy = if kind < 240 { Accuracy::Fast } else { Accuracy::Accurate };
    let solved = American::solve(&inputs, &dividends, accuracy);
    let value = solved.price(inputs.spot);
    if !inputs.is_valid() {
        return;
    }
    let coming = |d: &&CashDividend| d.years > 0.0 && d.years <= inputs.tte_years && d.present_value > 0.0;
    let escrow: f64 = dividends.iter().filter(coming).map(|d| d.present_value).sum();
    let exercise = (inputs.right.sign() * (inputs.spot + escrow - inputs.strike)).max(0.0);
    let told = || format!("{inputs:?} {dividends:?} {accuracy:?}: {value}");
    assert!(value.is_finite() || !exercise.is_finite(), "{}", told());
    assert!(value >= price(&inputs), "below European {}: {}", price(&inputs), told());
    assert!(value >= exercise * (1.0 - 1e-12), "below exercise {exercise}: {}", told());
    let here = solved.at(inputs.spot);
    let parts = [here.price, here.delta, here.gamma, here.theta.0];
    assert!(parts.iter().all(|x| !x.is_nan()) && here.gamma >= 0.0, "{here:?}: {}", told());
    if kind >= 64 {
        // The Greeks take several solutions more, a volatility dozens.
        return;
    }
    let raw = early::raw_greeks(&inputs, &dividends, accuracy);
    all_finite(&raw, &inputs);
    let ordinary = sides(&inputs).is_some() && inputs.strike > 0.01 && value < 1e9;
    if kind < 16 && ordinary && value > 1e-6 * inputs.strike {
        let quote = quote(&inputs, value);
        let found = early::implied_vol(value, &inputs, &dividends, accuracy, quote.implied_vol());
        if let Ok(vol) = found {
            let back = early::price(&OptionInputs { vol_annual: vol, ..inputs }, &dividends, accuracy);
            assert!((back - value).abs() <= 2e-6 * inputs.strike, "{vol} gives {back}: {}", told());
        }
    }
}

/// Legs as somebody may hold them.
fn legs(bytes: &mut Bytes, most: u8) -> Vec<PayoffLeg> {
    (0..bytes.byte() % (most + 1))
        .map(|_| {
            let quantity = f64::from(bytes.byte()) - 128.0;
            match bytes.byte() {
                0..=31 => PayoffLeg::Shares { quantity: 100.0 * quantity },
                kind => PayoffLeg::Option {
                    right: bytes.right(),
                    strike: 0.5 * f64::from(1 + u16::from(bytes.byte()) * 4),
                    quantity,
                    multiplier: if kind < 240 { 100.0 } else { 1.0 },
                },
            }
        })
        .collect()
}

/// Payoff and odds: extremes, zeros and ranges fit the line they are of, and probabilities are between 0 and 1.
pub fn payoff(bytes: &[u8]) {
    let mut bytes = Bytes(bytes);
    let kind = bytes.byte();
    let legs = legs(&mut bytes, 8);
    let cost = bytes.within(-1e5, 1e5).round();
    let line = ExpiryPnl::of(&legs, cost);
    let got = crate::pricing::payoff::payoff(&legs, cost);
    let units: f64 = legs.iter().map(|leg| leg.units().abs()).sum();
    let slack = 1e-9 * (units * 600.0 + cost.abs() + 1.0);
    let told = || format!("{legs:?} {cost}: {got:?}");
    // Ranges do not include their ends, and zero is one.
    for at in 1..=240 {
        let spot = f64::from(at) * 5.0;
        let pnl = line.at(spot);
        let directly = legs.iter().map(|leg| leg.value(spot)).sum::<f64>() - cost;
        assert!((pnl - directly).abs() <= slack, "{pnl}, not {directly}, at {spot}: {}", told());
        assert!(got.max_profit.is_none_or(|most| pnl <= most + slack), "{pnl} at {spot}: {}", told());
        assert!(got.max_loss.is_none_or(|most| pnl >= -most - slack), "{pnl} at {spot}: {}", told());
        let inside = got.profitable.iter().any(|range| spot > range.low && spot < range.high);
        assert!(inside || pnl <= slack, "{pnl} at {spot}: {}", told());
        assert!(!inside || pnl >= -slack, "{pnl} at {spot}: {}", told());
    }
    assert!(got.max_profit.is_none_or(|x| x >= 0.0) && got.max_loss.is_none_or(|x| x >= 0.0), "{}", told());
    assert!(got.breakevens.iter().all(|at| *at > 0.0 && line.at(*at).abs() <= slack), "{}", told());
    assert!(got.breakevens.windows(2).all(|pair| pair[0] < pair[1]), "{}", told());
    disjoint(&got.profitable, &told);
    odds(&mut bytes, &line, &told);
    if kind >= 224 {
        near_expiry(&mut bytes, &legs, cost);
    }
    if kind >= 240 {
        passage(&mut bytes, &line);
    }
}

fn disjoint(ranges: &[SpotRange], told: &dyn Fn() -> String) {
    assert!(ranges.iter().all(|range| range.low >= 0.0 && range.low < range.high), "{}", told());
    assert!(ranges.windows(2).all(|pair| pair[0].high <= pair[1].low), "{}", told());
}

fn odds(bytes: &mut Bytes, line: &ExpiryPnl, told: &dyn Fn() -> String) {
    let (spot, drift) = (bytes.number(0.0, 1_000.0), bytes.number(-0.5, 0.5));
    let (vol, years) = (bytes.number(0.0, 3.0), bytes.number(0.0, 5.0));
    let price = bytes.number(0.0, 1_000.0);
    let Some(law) = Lognormal::of(spot, drift, vol, years) else { return };
    let told = || format!("{law:?}, {price}: {}", told());
    let share = |p: f64| (0.0..=1.0 + 1e-12).contains(&p);
    let (below, above) = (law.below(price), law.above(price));
    assert!(price.is_nan() || (share(below) && share(above)), "{below} {above}: {}", told());
    assert!(price.is_nan() || below + above <= 1.0 + 1e-12, "{below} {above}: {}", told());
    if price.is_finite() && price > 0.0 {
        let touch = law.touch(price);
        assert!(share(touch), "{touch}: {}", told());
        let beyond = if price < spot { below } else { above };
        assert!(touch >= beyond - 1e-9, "{touch}, but {beyond} end beyond: {}", told());
    }
    let odds = Odds::lognormal(line, &law);
    assert!([odds.profit, odds.max_profit, odds.max_loss].into_iter().all(share), "{odds:?}: {}", told());
    if (1e-3..1e5).contains(&spot) && vol < 3.0 && years < 5.0 && drift.abs() < 0.5 {
        let mean = law.expectation(line);
        assert!(mean.is_finite(), "{mean}: {}", told());
        let shortfall = law.shortfall(line, 0.05);
        assert!(shortfall.is_some_and(f64::is_finite), "{shortfall:?}: {}", told());
        // The mean of the worst is no better than the mean of all.
        let slack = 1e-6 * (1.0 + mean.abs() + shortfall.unwrap_or_default().abs());
        assert!(-shortfall.unwrap_or_default() <= mean + slack, "{shortfall:?} {mean}: {}", told());
    }
}

fn near_expiry(bytes: &mut Bytes, near: &[PayoffLeg], cost: f64) {
    let far = legs(bytes, 3);
    let (vol_annual, tte_years) = (bytes.within(0.01, 2.0), bytes.within(0.01, 2.0));
    let worth = |at: usize, spot: f64| match far[at] {
        PayoffLeg::Option { right, strike, .. } => price(&OptionInputs {
            right,
            spot,
            strike,
            rate: 0.04,
            dividend_yield: 0.01,
            vol_annual,
            tte_years,
        }),
        PayoffLeg::Shares { .. } => spot,
    };
    let got = at_near_expiry(near, &far, cost, worth);
    let told = || format!("{near:?} {far:?} {cost} {vol_annual} {tte_years}: {got:?}");
    assert!(got.max_profit.is_none_or(|x| x >= 0.0 && x.is_finite()), "{}", told());
    assert!(got.max_loss.is_none_or(|x| x >= 0.0 && x.is_finite()), "{}", told());
    assert!(got.breakevens.windows(2).all(|pair| pair[0] < pair[1]), "{}", told());
    disjoint(&got.profitable, &told);
}

fn passage(bytes: &mut Bytes, line: &ExpiryPnl) {
    let diffusion = Diffusion {
        spot: bytes.number(1.0, 1_000.0),
        drift: bytes.number(-0.5, 0.5),
        vol_annual: bytes.number(0.01, 3.0),
        years: bytes.number(0.001, 2.0),
    };
    let target = bytes.number(-1e4, 1e4);
    let watch = match bytes.byte() {
        0 => Watch::Continuously,
        checks => Watch::Times(u32::from(checks) % 40),
    };
    let got = reaches(&diffusion, target, watch, |prices, _, out| {
        for (value, price) in out.iter_mut().zip(prices) {
            *value = line.at(*price);
        }
    });
    assert!(got.is_none_or(|p| (0.0..=1.0).contains(&p)), "{got:?}: {diffusion:?} {target} {watch:?}");
}
