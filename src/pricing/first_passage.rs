//! The probability that the mark-to-model P&L of a structure reaches a target before its expiry (for half of
//! the credit: "P50"). The backward equation of the lognormal underlying on a grid in the logarithm of the price;
//! where the target is reached the probability is one.
//!
//! Never: values a leg. The caller says what the structure is worth at a price and a time.

/// Places of the grid, and standard deviations from the middle to either end.
const PLACES: usize = 601;
const REACH: f64 = 6.0;
/// Time steps, at least.
const STEPS: usize = 240;
const STEPS_PER_CHECK: usize = 2;
const MOST_STEPS: usize = 4_000;
/// A boundary nearer than this share of a step counts as at the place itself.
const NEAREST: f64 = 0.05;

/// How often somebody looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watch {
    Continuously,
    /// At even times; the last is the expiry.
    Times(u32),
}

/// Drift and volatility of the underlying per year and √year, time to the horizon in years.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Diffusion {
    pub spot: f64,
    pub drift: f64,
    pub vol_annual: f64,
    pub years: f64,
}

/// Probability that the P&L is at or above `target` at a moment that is watched, now included. `pnl` fills
/// its last argument with the P&L at these prices and this time to the horizon: many at once, so that it can
/// be a batch kernel. `None` where the inputs are not positive numbers or a P&L is not finite.
pub fn reaches(
    diffusion: &Diffusion,
    target: f64,
    watch: Watch,
    mut pnl: impl FnMut(&[f64], f64, &mut [f64]),
) -> Option<f64> {
    let Diffusion { spot, drift, vol_annual, years } = *diffusion;
    let deviation = vol_annual * years.sqrt();
    let valid = [spot, vol_annual, years].iter().all(|x| *x > 0.0 && x.is_finite());
    if !valid || !drift.is_finite() || !target.is_finite() {
        return None;
    }
    let middle = (PLACES - 1) / 2;
    let step = REACH * deviation / middle as f64;
    let prices: Vec<f64> = (0..PLACES).map(|i| spot * ((i as f64 - middle as f64) * step).exp()).collect();
    let (steps, every) = match watch {
        Watch::Continuously => (STEPS, 1),
        Watch::Times(checks) => {
            let checks = checks.clamp(1, (MOST_STEPS / STEPS_PER_CHECK) as u32) as usize;
            let every = STEPS.div_ceil(checks).max(STEPS_PER_CHECK);
            (checks * every, every)
        }
    };
    let mut excess_at = |left: f64| -> Option<Vec<f64>> {
        let mut excess = vec![f64::NAN; PLACES];
        pnl(&prices, left, &mut excess);
        excess.iter_mut().for_each(|gap| *gap -= target);
        excess.iter().all(|gap| gap.is_finite()).then_some(excess)
    };
    if excess_at(years)?[middle] >= 0.0 {
        return Some(1.0);
    }
    let length = years / steps as f64;
    let equation = Equation {
        step,
        length,
        diffusion: 0.5 * vol_annual * vol_annual,
        travel: drift - 0.5 * vol_annual * vol_annual,
    };
    let mut chance = shares_reached(&excess_at(0.0)?);
    for at in 1..=steps {
        // Time runs backwards: `left` is what remains after this step.
        let left = at as f64 * length;
        let watched = at % every == 0;
        match watch {
            Watch::Continuously => chance = equation.back(&chance, Some(&excess_at(left)?))?,
            Watch::Times(_) => {
                chance = equation.back(&chance, None)?;
                if watched && at < steps {
                    let reached = shares_reached(&excess_at(left)?);
                    for (p, share) in chance.iter_mut().zip(reached) {
                        *p = share + (1.0 - share) * *p;
                    }
                }
            }
        }
    }
    Some(chance[middle].clamp(0.0, 1.0))
}

/// The part of each place's cell where the target is reached: one, none, or what the line between the
/// neighbours says.
fn shares_reached(excess: &[f64]) -> Vec<f64> {
    let half = |here: f64, there: f64| {
        let there = 0.5 * (here + there);
        match (here >= 0.0, there >= 0.0) {
            (true, true) => 1.0,
            (false, false) => 0.0,
            (true, false) => here / (here - there),
            (false, true) => there / (there - here),
        }
    };
    (0..excess.len())
        .map(|i| {
            let here = excess[i];
            let left = excess.get(i.wrapping_sub(1)).map_or(here, |x| *x);
            let right = excess.get(i + 1).map_or(here, |x| *x);
            0.5 * (half(here, left) + half(here, right))
        })
        .collect()
}

struct Equation {
    step: f64,
    length: f64,
    /// ½σ² and ν = μ − ½σ².
    diffusion: f64,
    travel: f64,
}

impl Equation {
    /// One implicit step back in time. Inside of the region where the target is reached the probability is
    /// one; next to it the distance to its edge counts, not to the place beyond.
    fn back(&self, chance: &[f64], excess: Option<&[f64]>) -> Option<Vec<f64>> {
        let n = chance.len();
        let reached = |i: usize| excess.is_some_and(|gaps| gaps[i] >= 0.0);
        let (mut upper, mut right) = (vec![0.0; n], vec![0.0; n]);
        for i in 0..n {
            let (low, diagonal, high, known) = if reached(i) {
                (0.0, 1.0, 0.0, 1.0)
            } else if i == 0 || i + 1 == n {
                // Six standard deviations out nothing changes any more.
                (0.0, 1.0, 0.0, chance[i])
            } else {
                let edge = |j: usize| match excess {
                    Some(gaps) if gaps[j] >= 0.0 => (gaps[i] / (gaps[i] - gaps[j])).max(NEAREST),
                    _ => 1.0,
                };
                let (a, b) = (edge(i - 1) * self.step, edge(i + 1) * self.step);
                let low = self.length * (2.0 * self.diffusion - self.travel * b) / (a * (a + b));
                let high = self.length * (2.0 * self.diffusion + self.travel * a) / (b * (a + b));
                (-low, 1.0 + low + high, -high, chance[i])
            };
            let (above, before) = if i > 0 { (upper[i - 1], right[i - 1]) } else { (0.0, 0.0) };
            let pivot = diagonal - low * above;
            upper[i] = high / pivot;
            right[i] = (known - low * before) / pivot;
        }
        for i in (0..n - 1).rev() {
            right[i] -= upper[i] * right[i + 1];
        }
        right.iter().all(|p| p.is_finite()).then_some(right)
    }
}

/// The closed form for one barrier, as the equation's own yardstick.
#[cfg(test)]
fn touch(diffusion: &Diffusion, barrier: f64) -> f64 {
    let Diffusion { spot, drift, vol_annual, years } = *diffusion;
    crate::pricing::probability::Lognormal::of(spot, drift, vol_annual, years)
        .map_or(f64::NAN, |l| l.touch(barrier))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Right;
    use crate::pricing::{OptionInputs, price};

    fn reaches(
        diffusion: &Diffusion,
        target: f64,
        watch: Watch,
        pnl: &dyn Fn(f64, f64) -> f64,
    ) -> Option<f64> {
        super::reaches(diffusion, target, watch, |prices, left, out| {
            for (value, price) in out.iter_mut().zip(prices) {
                *value = pnl(*price, left);
            }
        })
    }

    const TAU: f64 = 28.229_166_666_666_667 / 365.0;
    const WORKED: Diffusion = Diffusion { spot: 600.0, drift: 0.028, vol_annual: 0.195, years: TAU };
    /// Four a day.
    const CHECKS: Watch = Watch::Times(113);

    fn put(strike: f64, vol_annual: f64) -> impl Fn(f64, f64) -> f64 {
        move |spot, left| {
            price(&OptionInputs {
                right: Right::Put,
                spot,
                strike,
                rate: 0.04,
                dividend_yield: 0.012,
                vol_annual,
                tte_years: left,
            })
        }
    }

    fn near(got: Option<f64>, want: f64, tolerance: f64) {
        assert!(got.is_some_and(|got| (got - want).abs() <= tolerance), "{got:?}, not {want}");
    }

    #[test]
    fn half_the_credit_of_the_worked_short_put() {
        let value = put(570.0, 0.195);
        let credit = value(600.0, TAU);
        let pnl = |spot: f64, left: f64| credit - value(spot, left);
        near(reaches(&WORKED, 0.5 * credit, Watch::Continuously, &pnl), 0.938, 0.003);
        near(reaches(&WORKED, 0.5 * credit, CHECKS, &pnl), 0.928, 0.003);
    }

    #[test]
    fn half_the_credit_of_the_worked_put_spread() {
        let (short, long) = (put(570.0, 0.195), put(560.0, 0.205));
        let pnl = |spot: f64, left: f64| 1.00 - (short(spot, left) - long(spot, left));
        near(reaches(&WORKED, 0.5, Watch::Continuously, &pnl), 0.916, 0.003);
    }

    #[test]
    fn a_fixed_barrier_has_its_closed_form() {
        for barrier in [540.0, 570.0, 585.0, 615.0, 640.0] {
            let side = if barrier < 600.0 { -1.0 } else { 1.0 };
            let got = reaches(&WORKED, 0.0, Watch::Continuously, &|spot, _| side * (spot - barrier));
            near(got, touch(&WORKED, barrier), 1.5e-3);
        }
    }

    #[test]
    fn looking_once_at_the_end_is_the_probability_of_ending_there() {
        let law = crate::pricing::probability::Lognormal::of(600.0, 0.028, 0.195, TAU).expect("a law");
        let got = reaches(&WORKED, 0.0, Watch::Times(1), &|spot, _| 570.0 - spot);
        near(got, law.below(570.0), 1e-3);
        let more = |n| reaches(&WORKED, 0.0, Watch::Times(n), &|spot, _| 570.0 - spot).expect("finite");
        assert!(more(4) > more(1) && more(64) > more(4) && more(64) < touch(&WORKED, 570.0));
    }

    #[test]
    fn what_is_reached_already_is_certain_and_what_is_no_number_is_unknown() {
        assert_eq!(reaches(&WORKED, 0.0, CHECKS, &|_, _| 0.0), Some(1.0));
        assert_eq!(reaches(&WORKED, 1.0, CHECKS, &|_, _| 0.0), Some(0.0));
        assert_eq!(reaches(&WORKED, 1.0, CHECKS, &|_, left| if left > 0.0 { 0.0 } else { f64::NAN }), None);
        assert_eq!(reaches(&Diffusion { years: 0.0, ..WORKED }, 1.0, CHECKS, &|_, _| 0.0), None);
        assert_eq!(reaches(&Diffusion { vol_annual: f64::NAN, ..WORKED }, 1.0, CHECKS, &|_, _| 0.0), None);
    }
}
