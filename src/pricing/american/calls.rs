//! Calls on a payer of cash dividends, without a yield: exercise is right just before an ex-date or not at all, so
//! the value is a chain of integrals from one ex-date to the one before. Below a rate of zero it may be right
//! between two of them as well; there the chain is a lower bound, short by no more than the interest on the strike.
//!
//! Never: sees a yield.

use std::sync::LazyLock;

use super::CashDividend;
use super::boundary::cdf;
use super::premium::Premium;
use super::tables::gauss_legendre;
use crate::numerics::normal;
use crate::numerics::vector::{FRAC_1_SQRT_2PI, Kernel, dispatch, exp};
use crate::pricing::black_scholes;
use crate::pricing::inputs::OptionInputs;

/// Points of one panel of every integral.
const PANEL: usize = 16;
static RULE: LazyLock<Vec<(f64, f64)>> = LazyLock::new(|| gauss_legendre(PANEL));
/// A panel is this many standard deviations wide; the normal density is cut at so many.
const PANEL_WIDTH: f64 = 3.0;
const REACH: f64 = 7.5;
const FARTHEST: f64 = 9.0;
/// Monthly for ten years.
const MOST_DATES: usize = 128;
const MOST_PANELS: f64 = 512.0;
/// Of the option's life: of ex-dates nearer to each other only the first is one to exercise before.
const TOGETHER: f64 = 2e-4;

#[derive(Debug, Clone)]
pub(super) struct Calls {
    terms: OptionInputs,
    /// The ex-dates before which exercise can be right, in order.
    dates: Vec<ExDate>,
}

#[derive(Debug, Clone)]
struct ExDate {
    years: f64,
    /// What the holder of the share still has above the escrowed spot just before it.
    held: f64,
    /// Above this escrowed spot exercise just before it is right.
    critical: f64,
    /// Nodes below `critical` and weights times the value of holding on; empty for the first date, whose
    /// nodes follow the spot.
    logs: Vec<f64>,
    held_on: Vec<f64>,
}

impl Calls {
    /// `None` where the chain would be too long or too fine.
    pub fn solve(terms: &OptionInputs, dividends: &[CashDividend]) -> Option<Self> {
        let mut calls = Self { terms: *terms, dates: worthwhile(terms, dividends) };
        if calls.dates.len() > MOST_DATES {
            return None;
        }
        for place in (0..calls.dates.len()).rev() {
            match calls.critical(place) {
                Some(critical) => calls.dates[place].critical = critical,
                // So far in the money that no spot within reach is exercised.
                None => {
                    calls.dates.remove(place);
                    continue;
                }
            }
            if place > 0 {
                calls.tabulate(place)?;
            }
        }
        Some(calls)
    }

    /// Value and derivatives of holding on today, at an escrowed spot.
    pub fn at(&self, spot: f64) -> Premium {
        let Some(first) = self.dates.first() else {
            let raw = black_scholes::raw_greeks(&OptionInputs { spot, ..self.terms });
            return Premium { value: raw.price, slope: raw.delta, curvature: raw.gamma };
        };
        let deviation = self.terms.vol_annual * first.years.sqrt();
        let mean = self.mean(spot, first.years);
        let top = (mean + REACH * deviation).min(first.critical.ln());
        let (logs, held_on) = self.held_on(1, mean - REACH * deviation, top, deviation);
        self.step(0, spot, &logs, &held_on)
    }

    /// Points from `bottom` to `top` and their weights times the value of holding on after date `place`.
    fn held_on(&self, place: usize, bottom: f64, top: f64, deviation: f64) -> (Vec<f64>, Vec<f64>) {
        let (mut logs, mut values) = (Vec::new(), Vec::new());
        fill(bottom, top, deviation, |x, weight| {
            logs.push(x);
            values.push(weight);
        });
        if place < self.dates.len() {
            for (value, x) in values.iter_mut().zip(&logs) {
                *value *= self.hold(place, x.exp()).value;
            }
        } else {
            let left = self.terms.tte_years - self.before(place);
            dispatch(European {
                logs: &logs,
                values: &mut values,
                log_strike: self.terms.strike.ln(),
                strike_paid: self.terms.strike * (-self.terms.rate * left).exp(),
                deviation: self.terms.vol_annual * left.sqrt(),
                drift: self.terms.rate * left,
            });
        }
        (logs, values)
    }

    /// Value of holding on after date `place` (0: from today), at the escrowed spot of that moment.
    fn hold(&self, place: usize, spot: f64) -> Premium {
        match self.dates.get(place) {
            None => {
                let from = self.dates.last().map_or(0.0, |date| date.years);
                let tte_years = self.terms.tte_years - from;
                let value = black_scholes::price(&OptionInputs { spot, tte_years, ..self.terms });
                Premium { value, ..Premium::default() }
            }
            Some(date) => self.step(place, spot, &date.logs, &date.held_on),
        }
    }

    /// From just after the date before to just before date `place`: exercised above its critical spot, held
    /// below.
    fn step(&self, place: usize, spot: f64, logs: &[f64], held_on: &[f64]) -> Premium {
        let date = &self.dates[place];
        let wait = date.years - self.before(place);
        let deviation = self.terms.vol_annual * wait.sqrt();
        let mean = self.mean(spot, wait);
        let discount = (-self.terms.rate * wait).exp();
        let cost = self.terms.strike - date.held;
        let d2 = (mean - date.critical.ln()) / deviation;
        let d1 = d2 + deviation;
        let (n1, n2) = (normal::cdf(d1), normal::cdf(d2));
        let per_spot = 1.0 / (spot * deviation);
        let jump = (date.critical - cost) * discount * normal::pdf(d2) * per_spot;
        let sums = dispatch(Sums { logs, held_on, mean, inverse: 1.0 / deviation });
        let scale = discount / deviation;
        let by_log = sums[1] * scale / deviation;
        let by_log_twice = sums[2] * scale / (deviation * deviation);
        Premium {
            value: spot * n1 - cost * discount * n2 + sums[0] * scale,
            slope: n1 + jump + by_log / spot,
            curvature: normal::pdf(d1) * per_spot - jump * (1.0 + d2 / deviation) / spot
                + (by_log_twice - by_log) / (spot * spot),
        }
    }

    fn before(&self, place: usize) -> f64 {
        if place == 0 { 0.0 } else { self.dates[place - 1].years }
    }

    /// Of the log spot after `wait` years.
    fn mean(&self, spot: f64, wait: f64) -> f64 {
        spot.ln() + (self.terms.rate - 0.5 * self.terms.vol_annual * self.terms.vol_annual) * wait
    }

    /// The escrowed spot at which exercising before the date and holding on are worth the same.
    fn critical(&self, place: usize) -> Option<f64> {
        let date = &self.dates[place];
        let cost = self.terms.strike - date.held;
        let gain = |log: f64| {
            let spot = log.exp();
            spot - cost - self.hold(place + 1, spot).value
        };
        let left = self.terms.tte_years - date.years;
        let mut low = cost.max(1e-3 * self.terms.strike).ln();
        let mut high = self.terms.strike.ln() + 10.0 * self.terms.vol_annual * left.sqrt() + 0.1;
        let (mut at_low, mut at_high) = (gain(low), gain(high));
        if at_high <= 0.0 || low >= high {
            return None;
        }
        if at_low >= 0.0 {
            return Some(low.exp());
        }
        // Regula falsi by the Illinois rule. At the root both choices are worth the same, so that a small
        // error in it is an error of second order in the value.
        for _ in 0..60 {
            let middle = (low * at_high - high * at_low) / (at_high - at_low);
            let at_middle = gain(middle);
            if at_middle < 0.0 {
                (low, at_low) = (middle, at_middle);
                at_high *= 0.5;
            } else {
                (high, at_high) = (middle, at_middle);
                at_low *= 0.5;
            }
            if high - low < 1e-9 || at_middle.abs() < 1e-11 * self.terms.strike {
                return Some(middle.exp());
            }
        }
        Some(high.exp())
    }

    /// Values of holding on after a later date, over all spots from which it matters.
    fn tabulate(&mut self, place: usize) -> Option<()> {
        let vol = self.terms.vol_annual;
        let date = &self.dates[place];
        let deviation = vol * (date.years - self.before(place)).sqrt();
        // Below, there is no hope left.
        let left = self.terms.tte_years - date.years;
        let bottom = self.terms.strike.ln() - 8.0 * vol * left.sqrt() - self.terms.rate * left - deviation;
        let highest = self.terms.strike.ln() + 12.0 * vol * self.terms.tte_years.sqrt() + 0.1;
        let top = date.critical.ln().min(highest);
        if (top - bottom) / (PANEL_WIDTH * deviation) > MOST_PANELS {
            return None;
        }
        let (logs, held_on) = self.held_on(place + 1, bottom, top, deviation);
        self.dates[place].logs = logs;
        self.dates[place].held_on = held_on;
        Some(())
    }
}

/// The dates before which a call deep in the money is better exercised than held to any later one: where it
/// is not so deep in the money, holding has more to say for itself still.
fn worthwhile(terms: &OptionInputs, dividends: &[CashDividend]) -> Vec<ExDate> {
    let mut coming: Vec<CashDividend> =
        dividends.iter().copied().filter(|d| d.years > 0.0 && d.years < terms.tte_years).collect();
    coming.sort_by(|a, b| a.years.total_cmp(&b.years));
    let interest =
        |from: f64, to: f64| terms.strike * ((-terms.rate * from).exp() - (-terms.rate * to).exp());
    let pays = |place: usize| {
        let mut missed = 0.0;
        (place..coming.len()).all(|k| {
            missed += coming[k].present_value;
            let until = coming.get(k + 1).map_or(terms.tte_years, |next| next.years);
            missed > interest(coming[place].years, until)
        })
    };
    let mut chosen: Vec<usize> = (0..coming.len()).filter(|place| pays(*place)).collect();
    chosen.dedup_by(|next, kept| coming[*next].years - coming[*kept].years < TOGETHER * terms.tte_years);
    chosen
        .into_iter()
        .map(|place| {
            let left: f64 = coming[place..].iter().map(|d| d.present_value).sum();
            let years = coming[place].years;
            ExDate {
                years,
                held: left * (terms.rate * years).exp(),
                critical: f64::INFINITY,
                logs: Vec::new(),
                held_on: Vec::new(),
            }
        })
        .collect()
}

/// Gauss-Legendre panels over [bottom, top].
fn fill(bottom: f64, top: f64, deviation: f64, mut point: impl FnMut(f64, f64)) {
    let length = top - bottom;
    if length.is_nan() || length <= 0.0 {
        return;
    }
    let panels = (length / (PANEL_WIDTH * deviation)).ceil().clamp(1.0, MOST_PANELS);
    let width = length / panels;
    for panel in 0..panels as usize {
        let from = bottom + width * panel as f64;
        for (x, weight) in RULE.iter() {
            point(from + width * x, width * weight);
        }
    }
}

/// Multiplies by the value of a European call at every point.
struct European<'a> {
    logs: &'a [f64],
    values: &'a mut [f64],
    log_strike: f64,
    strike_paid: f64,
    deviation: f64,
    drift: f64,
}

impl Kernel for European<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { logs, values, log_strike, strike_paid, deviation, drift } = self;
        let inverse = 1.0 / deviation;
        for (value, x) in values.iter_mut().zip(logs) {
            let d1 = (x - log_strike + drift) * inverse + 0.5 * deviation;
            let spot_side = exp::<FMA>(*x) * cdf::<FMA>(d1);
            let held = spot_side - strike_paid * cdf::<FMA>(d1 - deviation);
            *value *= if held > 0.0 { held } else { 0.0 };
        }
    }
}

/// Sums over the normal density around `mean` and its first two derivatives with respect to `mean`, in
/// standard deviations.
struct Sums<'a> {
    logs: &'a [f64],
    held_on: &'a [f64],
    mean: f64,
    inverse: f64,
}

impl Kernel for Sums<'_> {
    type Output = [f64; 3];

    #[inline(always)]
    fn run<const FMA: bool>(self) -> [f64; 3] {
        // Nothing that lies farther from the mean counts.
        let reach = FARTHEST / self.inverse;
        let from = self.logs.partition_point(|log| *log < self.mean - reach) / 8 * 8;
        let until = self.logs.partition_point(|log| *log < self.mean + reach).next_multiple_of(8);
        let kept = from..until.min(self.logs.len());
        let mut sums = [[0.0; 8]; 3];
        let (logs, _) = self.logs[kept.clone()].as_chunks::<8>();
        let (values, _) = self.held_on[kept].as_chunks::<8>();
        for (logs, values) in logs.iter().zip(values) {
            for lane in 0..8 {
                let z = (logs[lane] - self.mean) * self.inverse;
                let term = values[lane] * exp::<FMA>(-0.5 * z * z);
                sums[0][lane] += term;
                sums[1][lane] += term * z;
                sums[2][lane] += term * (z * z - 1.0);
            }
        }
        sums.map(|lanes| FRAC_1_SQRT_2PI * lanes.iter().sum::<f64>())
    }
}
