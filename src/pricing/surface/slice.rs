//! One expiry: an SVI curve where the quotes carry it, else a parabola, else the volatility at the money with
//! a neighbour's skew.

use crate::domain::Right;
use crate::numerics::normal;
use crate::pricing::payoff::SpotRange;
use crate::pricing::svi::{RawSvi, SmileQuote, SviError, fit};

const FEWEST_FOR_PARABOLA: usize = 4;
const STEEPEST: f64 = 1.5;
/// The parabola never goes below this share of the variance at the money.
const FLOOR: f64 = 0.05;
const HALVINGS: usize = 80;

/// How the variance runs over log-moneyness.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    Svi(RawSvi),
    Parabola(Parabola),
    /// Volatility at the money plus the skew of another expiry at the same standardised moneyness.
    Flat {
        vol: f64,
        skew_of: Option<Box<Slice>>,
    },
}

/// Why a slice has the shape it has.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SliceQuality {
    /// Distance from the quotes in spreads; whether arbitrage had to be bent out of it.
    Svi {
        error_in_spreads: f64,
        penalised: bool,
    },
    Fallback {
        because: SviError,
    },
}

#[derive(Debug, Clone, PartialEq)]
pub struct Slice {
    forward: f64,
    years: f64,
    shape: Shape,
    quality: SliceQuality,
}

/// `w = c0 + c1·k + c2·k²` with slopes cut at ±1.5, constant outside of `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parabola {
    c: [f64; 3],
    low: f64,
    high: f64,
}

impl Parabola {
    fn total_variance(&self, k: f64) -> f64 {
        let [c0, c1, c2] = self.c;
        let k = k.clamp(self.low, self.high);
        // Beyond the place where the slope reaches its limit the curve goes on straight.
        let slope = c1 + 2.0 * c2 * k;
        let cut = slope.clamp(-STEEPEST, STEEPEST);
        let bend = if slope == cut || c2 == 0.0 { k } else { (cut - c1) / (2.0 * c2) };
        let w = c0 + (c1 + c2 * bend) * bend + cut * (k - bend);
        w.max(FLOOR * c0)
    }
}

impl Slice {
    /// The best shape that the quotes carry. `earlier` is the expiry before, which the curve must not cross;
    /// `neighbour` lends its skew where there are too few quotes. `None` without a usable quote.
    pub fn of(
        forward: f64,
        years: f64,
        quotes: &[SmileQuote],
        earlier: Option<&Self>,
        neighbour: Option<&Self>,
    ) -> Option<Self> {
        let valid = forward > 0.0 && forward.is_finite() && years > 0.0 && years.is_finite();
        let mut usable: Vec<SmileQuote> = quotes.iter().copied().filter(SmileQuote::is_usable).collect();
        if !valid || usable.is_empty() {
            return None;
        }
        usable.sort_by(|a, b| a.log_moneyness.total_cmp(&b.log_moneyness));
        let before = earlier.map(|slice| move |k: f64| slice.total_variance(k));
        let floor = before.as_ref().map(|w| w as &dyn Fn(f64) -> f64);
        let because = match fit(&usable, years, floor) {
            Ok(fitted) => {
                let (error_in_spreads, penalised) = (fitted.error_in_spreads, fitted.penalised);
                let quality = SliceQuality::Svi { error_in_spreads, penalised };
                return Some(Self { forward, years, shape: Shape::Svi(fitted.curve), quality });
            }
            Err(refusal) => refusal,
        };
        let at_the_money = at_the_money(&usable);
        let parabola = (usable.len() >= FEWEST_FOR_PARABOLA)
            .then(|| parabola(&usable, years, at_the_money))
            .flatten()
            .map(Shape::Parabola);
        let skew_of =
            neighbour.filter(|slice| !matches!(slice.shape, Shape::Flat { .. })).cloned().map(Box::new);
        let shape = parabola.unwrap_or(Shape::Flat { vol: at_the_money, skew_of });
        Some(Self { forward, years, shape, quality: SliceQuality::Fallback { because } })
    }

    /// A curve from elsewhere.
    pub fn from_svi(forward: f64, years: f64, curve: RawSvi) -> Option<Self> {
        let valid = forward > 0.0 && forward.is_finite() && years > 0.0 && years.is_finite();
        let quality = SliceQuality::Svi { error_in_spreads: 0.0, penalised: false };
        (valid && curve.is_free_of_butterflies()).then_some(Self {
            forward,
            years,
            shape: Shape::Svi(curve),
            quality,
        })
    }

    pub fn forward(&self) -> f64 {
        self.forward
    }

    pub fn years(&self) -> f64 {
        self.years
    }

    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    pub fn quality(&self) -> SliceQuality {
        self.quality
    }

    /// The same curve around another forward: volatility follows moneyness instead of the strike.
    pub fn with_forward(&self, forward: f64) -> Self {
        Self { forward, ..self.clone() }
    }

    pub fn log_moneyness(&self, strike: f64) -> f64 {
        (strike / self.forward).ln()
    }

    pub fn total_variance(&self, log_moneyness: f64) -> f64 {
        match &self.shape {
            Shape::Svi(curve) => curve.total_variance(log_moneyness),
            Shape::Parabola(parabola) => parabola.total_variance(log_moneyness),
            Shape::Flat { vol, skew_of } => {
                let skew = skew_of.as_ref().map_or(0.0, |other| {
                    let x = log_moneyness / (vol * self.years.sqrt());
                    let same = x * other.total_variance(0.0).sqrt();
                    other.vol(same) - other.vol(0.0)
                });
                let here = (vol + skew).max(FLOOR * vol);
                here * here * self.years
            }
        }
    }

    /// Annual.
    pub fn vol(&self, log_moneyness: f64) -> f64 {
        (self.total_variance(log_moneyness) / self.years).sqrt()
    }

    pub fn vol_at_strike(&self, strike: f64) -> f64 {
        self.vol(self.log_moneyness(strike))
    }

    /// Of total variance in log-moneyness.
    fn slope(&self, k: f64) -> f64 {
        if let Shape::Svi(curve) = &self.shape {
            return curve.slope(k);
        }
        let h = 1e-5;
        (self.total_variance(k + h) - self.total_variance(k - h)) / (2.0 * h)
    }

    /// P(S < strike) that the whole curve implies: the slope of undiscounted puts in the strike.
    pub fn probability_below(&self, strike: f64) -> f64 {
        if strike <= 0.0 {
            return 0.0;
        }
        if strike == f64::INFINITY {
            return 1.0;
        }
        let k = self.log_moneyness(strike);
        let deviation = self.total_variance(k).sqrt();
        let d2 = -k / deviation - 0.5 * deviation;
        // F·φ(d1) = K·φ(d2); the derivative of √w is w'/2√w.
        (normal::cdf(-d2) + normal::pdf(d2) * self.slope(k) / (2.0 * deviation)).clamp(0.0, 1.0)
    }

    /// Of a union of ranges of the price at expiry.
    pub fn probability_within(&self, ranges: &[SpotRange]) -> f64 {
        ranges.iter().fold(0.0, |sum, range| {
            sum + (self.probability_below(range.high) - self.probability_below(range.low)).max(0.0)
        })
    }

    /// The strike whose option has this delta in size; `carry` is the dividend discount e^(−qτ) in it. `None`
    /// where no strike within the grid of the tests has it.
    pub fn strike_at_delta(&self, right: Right, delta: f64, carry: f64) -> Option<f64> {
        let sign = right.sign();
        let excess = |k: f64| {
            let deviation = self.total_variance(k).sqrt();
            let d1 = -k / deviation + 0.5 * deviation;
            carry * normal::cdf(sign * d1) - delta
        };
        // From the middle of the smile outwards the delta falls.
        let (mut near, mut far) = (-sign * 0.5, sign * 1.5);
        if !(excess(near) >= 0.0 && excess(far) <= 0.0) {
            return None;
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (near + far);
            if excess(middle) > 0.0 {
                near = middle;
            } else {
                far = middle;
            }
        }
        Some(self.forward * (0.5 * (near + far)).exp())
    }
}

/// Between the neighbours of the forward, or the nearest quote.
fn at_the_money(sorted: &[SmileQuote]) -> f64 {
    let above = sorted.partition_point(|quote| quote.log_moneyness < 0.0);
    let (left, right) = (above.checked_sub(1).and_then(|at| sorted.get(at)), sorted.get(above));
    match (left, right) {
        (Some(left), Some(right)) => {
            let width = right.log_moneyness - left.log_moneyness;
            left.vol + (right.vol - left.vol) * (-left.log_moneyness / width)
        }
        (Some(only), None) | (None, Some(only)) => only.vol,
        (None, None) => f64::NAN,
    }
}

/// Weighted least squares in the standardised moneyness; `None` where the strikes do not determine it.
fn parabola(sorted: &[SmileQuote], years: f64, vol: f64) -> Option<Parabola> {
    let scale = vol * years.sqrt();
    let mut normal = nalgebra::Matrix3::<f64>::zeros();
    let mut right = nalgebra::Vector3::<f64>::zeros();
    for quote in sorted {
        let x = quote.log_moneyness / scale;
        let row = nalgebra::Vector3::new(1.0, x, x * x);
        // An error of the volatility is one of 2σ·years in total variance.
        let weight = 1.0 / (quote.spread.max(0.002) * quote.vol).powi(2);
        normal += row * row.transpose() * weight;
        right += row * (weight * quote.vol * quote.vol * years);
    }
    let size = normal.trace();
    let c = (normal / size).cholesky()?.solve(&(right / size));
    let (first, last) = (sorted.first()?, sorted.last()?);
    let step_left = sorted.get(1)?.log_moneyness - first.log_moneyness;
    let step_right = last.log_moneyness - sorted.get(sorted.len().checked_sub(2)?)?.log_moneyness;
    let c = [c[0], c[1] / scale, c[2] / (scale * scale)];
    (c.iter().all(|x| x.is_finite()) && c[0] > 0.0).then_some(Parabola {
        c,
        low: first.log_moneyness - step_left,
        high: last.log_moneyness + step_right,
    })
}
