//! The SVI curve nearest to quoted volatilities, without static arbitrage: fitted freely first, again with a
//! penalty on what the tests refuse, then given up with the reason.

use super::{RawSvi, test_grid};
use crate::numerics::least_squares::{Minimum, minimise};

pub const FEWEST_QUOTES: usize = 8;
pub const FEWEST_PER_SIDE: usize = 3;
/// A volatility is not known better than this.
const LEAST_SPREAD: f64 = 0.002;
/// Steepest wing.
const LEE: f64 = 2.0;
/// Bent away from arbitrage, a curve may miss the quotes by this many spreads, or this many times the distance
/// of the free fit.
const WORST_ERROR: f64 = 5.0;
const FARTHEST_FROM_FREE: f64 = 3.0;
const PENALTIES: [f64; 4] = [1e2, 1e4, 1e6, 1e8];
/// The penalty starts this far inside of what the tests accept.
const MARGIN: f64 = 1e-3;

/// Of one out-of-the-money option.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SmileQuote {
    /// ln(strike/forward).
    pub log_moneyness: f64,
    /// Annual, of the mid.
    pub vol: f64,
    /// Volatility of the ask less that of the bid.
    pub spread: f64,
}

impl SmileQuote {
    fn weight(&self) -> f64 {
        1.0 / self.spread.max(LEAST_SPREAD)
    }

    pub fn is_usable(&self) -> bool {
        let finite = self.log_moneyness.is_finite() && self.vol.is_finite() && self.spread.is_finite();
        finite && self.vol > 0.0
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fitted {
    pub curve: RawSvi,
    /// Root of the mean squared distance, in spreads.
    pub error_in_spreads: f64,
    /// The free fit had arbitrage; this one was bent away from it.
    pub penalised: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SviError {
    #[error("{left} quotes below and {right} above the forward are too few for a curve")]
    TooFewQuotes { left: usize, right: usize },
    #[error("the time to expiry, {years} years, is not positive")]
    Expired { years: f64 },
    #[error("no curve fits these quotes")]
    NoCurve,
    #[error("the best curve allows a butterfly below zero at log-moneyness {log_moneyness:.3}")]
    Butterfly { log_moneyness: f64 },
    #[error("the nearest curve without arbitrage misses the quotes by {error_in_spreads:.1} spreads")]
    TooFar { error_in_spreads: f64 },
    #[error("the best curve lies below the earlier expiry's at log-moneyness {log_moneyness:.3}")]
    Calendar { log_moneyness: f64 },
}

/// `earlier` gives the total variance of the expiry before, where there is one.
pub fn fit(
    quotes: &[SmileQuote],
    years: f64,
    earlier: Option<&dyn Fn(f64) -> f64>,
) -> Result<Fitted, SviError> {
    let usable: Vec<SmileQuote> = quotes.iter().copied().filter(SmileQuote::is_usable).collect();
    let left = usable.iter().filter(|q| q.log_moneyness < 0.0).count();
    let right = usable.len() - left;
    if usable.len() < FEWEST_QUOTES || left < FEWEST_PER_SIDE || right < FEWEST_PER_SIDE {
        return Err(SviError::TooFewQuotes { left, right });
    }
    if !(years > 0.0 && years.is_finite()) {
        return Err(SviError::Expired { years });
    }
    let task = Task { quotes: &usable, years, earlier: earlier.map(|w| test_grid().map(w).collect()) };
    let starts = task.starts();
    let by_cost = |a: &Minimum, b: &Minimum| a.cost.total_cmp(&b.cost);
    let free = starts.iter().filter_map(|start| task.improve(start, 0.0)).min_by(by_cost);
    let free = free.ok_or(SviError::NoCurve)?;
    let free_curve = curve(&free.parameters);
    let free_error = task.error(&free_curve);
    let Some(mut refusal) = task.refusal(&free_curve) else {
        return Ok(Fitted { curve: free_curve, error_in_spreads: free_error, penalised: false });
    };
    // From the free fit first; from elsewhere where that ends in a bad valley.
    let tolerated = (FARTHEST_FROM_FREE * free_error).max(WORST_ERROR);
    let from_free = std::iter::once(free.parameters.as_slice());
    for start in from_free.chain(starts.iter().map(<[f64; 5]>::as_slice)) {
        match task.without_arbitrage(start) {
            Ok(curve) => {
                let error_in_spreads = task.error(&curve);
                if error_in_spreads <= tolerated {
                    return Ok(Fitted { curve, error_in_spreads, penalised: true });
                }
                refusal = SviError::TooFar { error_in_spreads };
            }
            Err(reason) => refusal = reason,
        }
    }
    Err(refusal)
}

struct Task<'a> {
    quotes: &'a [SmileQuote],
    years: f64,
    /// On the grid of the tests.
    earlier: Option<Vec<f64>>,
}

/// The search runs over numbers that may take any value: logarithms of the least variance and of the
/// smoothing, place of the centre, and the two wing slopes as shares of the steepest allowed.
const BOUNDS: [(f64, f64); 5] = [(-30.0, 3.0), (-14.0, 14.0), (-14.0, 14.0), (-3.0, 3.0), (-9.0, 2.0)];

fn curve(p: &[f64]) -> RawSvi {
    let steepness = |x: f64| LEE / (1.0 + (-x).exp());
    let (left, right) = (steepness(p[1]), steepness(p[2]));
    let s = p[4].exp();
    RawSvi {
        a: p[0].exp() - s * (left * right).sqrt(),
        b: 0.5 * (left + right),
        rho: (right - left) / (right + left),
        m: p[3],
        s,
    }
}

impl Task<'_> {
    /// From the shape of the quotes, with several widths and centres.
    fn starts(&self) -> Vec<[f64; 5]> {
        let variance = |q: &SmileQuote| q.vol * q.vol * self.years;
        let by_place = |a: &&SmileQuote, b: &&SmileQuote| a.log_moneyness.total_cmp(&b.log_moneyness);
        let by_vol = |a: &&SmileQuote, b: &&SmileQuote| a.vol.total_cmp(&b.vol);
        let quotes = self.quotes;
        let ends =
            (quotes.iter().min_by(by_place), quotes.iter().max_by(by_place), quotes.iter().min_by(by_vol));
        let (Some(first), Some(last), Some(low)) = ends else { return Vec::new() };
        let width = last.log_moneyness - first.log_moneyness;
        let least = variance(low).max(1e-12);
        let slope_to = |end: &SmileQuote| {
            let run = (end.log_moneyness - low.log_moneyness).abs().max(0.1 * width);
            ((variance(end) - least) / run).clamp(1e-4, 1.8)
        };
        let share = |slope: f64| (slope / (LEE - slope)).ln();
        let (left, right) = (share(slope_to(first)), share(slope_to(last)));
        let mut starts = Vec::new();
        for smoothing in [0.05, 0.2, 0.6] {
            for centre in [low.log_moneyness, 0.0] {
                let s = (smoothing * width).max(1e-4).ln();
                starts.push([(0.8 * least).ln(), left, right, centre, s]);
            }
        }
        starts
    }

    fn improve(&self, start: &[f64], penalty: f64) -> Option<Minimum> {
        let densities = if penalty > 0.0 { curve(start).density_grid().count() } else { 0 };
        let crossings = if penalty > 0.0 { self.earlier.as_ref().map_or(0, Vec::len) } else { 0 };
        minimise(start, &BOUNDS, self.quotes.len() + densities + crossings, |p, out| {
            let curve = curve(p);
            let (fit, tests) = out.split_at_mut(self.quotes.len());
            for (r, quote) in fit.iter_mut().zip(self.quotes) {
                *r = self.miss(&curve, quote);
            }
            let (butterflies, calendars) = tests.split_at_mut(densities);
            let weight = penalty.sqrt();
            for (r, k) in butterflies.iter_mut().zip(curve.density_grid()) {
                *r = weight * (MARGIN - curve.density_factor(k)).max(0.0);
            }
            for ((r, k), before) in calendars.iter_mut().zip(test_grid()).zip(self.earlier.iter().flatten()) {
                *r = weight * (before * (1.0 + MARGIN) / curve.total_variance(k) - 1.0).max(0.0);
            }
        })
    }

    fn miss(&self, curve: &RawSvi, quote: &SmileQuote) -> f64 {
        let vol = (curve.total_variance(quote.log_moneyness).max(0.0) / self.years).sqrt();
        quote.weight() * (vol - quote.vol)
    }

    fn error(&self, curve: &RawSvi) -> f64 {
        let sum: f64 = self.quotes.iter().map(|quote| self.miss(curve, quote).powi(2)).sum();
        (sum / self.quotes.len() as f64).sqrt()
    }

    /// With a growing penalty until the tests pass.
    fn without_arbitrage(&self, start: &[f64]) -> Result<RawSvi, SviError> {
        let mut parameters = start.to_vec();
        let mut refusal = SviError::NoCurve;
        for penalty in PENALTIES {
            parameters = self.improve(&parameters, penalty).ok_or(refusal)?.parameters;
            let curve = curve(&parameters);
            match self.refusal(&curve) {
                Some(reason) => refusal = reason,
                None => return Ok(curve),
            }
        }
        Err(refusal)
    }

    fn refusal(&self, curve: &RawSvi) -> Option<SviError> {
        if !curve.is_admissible() {
            return Some(SviError::NoCurve);
        }
        let (log_moneyness, least) = curve.least_density();
        if least.is_nan() || least < 0.0 {
            return Some(SviError::Butterfly { log_moneyness });
        }
        let below = |(k, before): &(f64, &f64)| curve.total_variance(*k) < **before;
        let crossing = test_grid().zip(self.earlier.iter().flatten()).find(below);
        crossing.map(|(log_moneyness, _)| SviError::Calendar { log_moneyness })
    }
}
