//! The Greeks of second and third order of an option that one smooth boundary belongs to, and what they are at
//! the boundary itself.
//!
//! With `B` the boundary, value and delta are those of exercise along it whatever moves it, so that each
//! further derivative at it follows from how it moves: with `Γ(B)` from the pricing equation, `∂Δ/∂p = −Γ·∂B/∂p`
//! for any parameter `p`. The integrals resolve no spike narrower than the distance between their points; as near
//! to the boundary as that, each Greek is interpolated between the boundary and where the integrals hold.
//!
//! Never: used in the exercise region.

use super::differences::SPOT_STEP;
use super::greeks::Smooth;
use crate::domain::Right;
use crate::pricing::black_scholes;
use crate::pricing::inputs::OptionInputs;

/// In standard deviations of the log spot over the option's life: nearer than this to the boundary more points
/// are taken, and nearer than this they do not suffice.
const FINER: f64 = 0.6;
const TOO_NEAR: f64 = 0.08;
/// Where the integrals are sampled then, in multiples of `TOO_NEAR`.
const SAMPLES: [f64; 3] = [1.0, 1.5, 2.0];
/// Step of differences in spot, in the same standard deviations; `SPOT_STEP` where that is less.
const FINE_STEP: f64 = 0.01;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cross {
    pub vanna: f64,
    pub zomma: f64,
    pub speed: f64,
    pub charm: f64,
    pub color: f64,
    pub veta: f64,
}

impl Cross {
    fn plus(self, share: f64, other: &Self) -> Self {
        Self {
            vanna: self.vanna + share * other.vanna,
            zomma: self.zomma + share * other.zomma,
            speed: self.speed + share * other.speed,
            charm: self.charm + share * other.charm,
            color: self.color + share * other.color,
            veta: self.veta + share * other.veta,
        }
    }
}

impl Smooth<'_> {
    /// At a spot where the option is held on.
    pub fn cross(&self, spot: f64) -> Cross {
        let side = -self.solved.terms.right.sign();
        let deviation = self.solved.terms.vol_annual * self.solved.terms.tte_years.sqrt();
        let away = side * (spot / self.critical).ln() / deviation;
        if away > FINER {
            return self.resolved(spot);
        }
        let Some(near) = self.nearer() else { return self.resolved(spot) };
        if away >= TOO_NEAR {
            return near.resolved(spot);
        }
        let places = [0.0, SAMPLES[0], SAMPLES[1], SAMPLES[2]].map(|multiple| multiple * TOO_NEAR);
        let mut sum = Cross::default();
        for (i, place) in places.iter().enumerate() {
            let others = places.iter().enumerate().filter(|(j, _)| *j != i);
            let share = others.fold(1.0, |share, (_, other)| share * (away - other) / (place - other));
            let known = if i == 0 {
                near.at_boundary()
            } else {
                near.resolved(self.critical * (side * place * deviation).exp())
            };
            sum = sum.plus(share, &known);
        }
        sum
    }

    /// As far from the boundary as the integrals hold.
    fn resolved(&self, spot: f64) -> Cross {
        let terms = OptionInputs { spot, ..self.solved.terms };
        let OptionInputs { rate, dividend_yield: div, vol_annual: vol, tte_years: t, .. } = terms;
        let european = black_scholes::raw_greeks(&terms);
        let delta = self.solved.at(spot).delta;
        let s = SPOT_STEP.min(FINE_STEP * vol * t.sqrt()) * spot;
        let (above, at, below) = (self.added(spot + s), self.added(spot), self.added(spot - s));
        let gamma = european.gamma + at.gamma;
        let vega = european.vega.0 + at.vega;
        let vanna = european.vanna.0 + (above.vega - below.vega) / (2.0 * s);
        let zomma = european.zomma.0 + (above.vega - 2.0 * at.vega + below.vega) / (s * s);
        let speed = european.speed + at.speed;
        let snap = (above.speed - below.speed) / (2.0 * s);
        // The pricing equation, and its derivatives with respect to spot and volatility.
        let variance = vol * vol;
        let drift = rate - div;
        let charm = div * delta - (drift + variance) * spot * gamma - 0.5 * variance * spot * spot * speed;
        let color = european.color.0 + (div - drift - variance) * at.gamma
            - (drift + 2.0 * variance) * spot * at.speed
            - 0.5 * variance * spot * spot * snap;
        let veta = rate * vega
            - drift * spot * vanna
            - vol * spot * spot * gamma
            - 0.5 * variance * spot * spot * zomma;
        Cross { vanna, zomma, speed, charm, color, veta }
    }

    /// On the side where the option is held on.
    fn at_boundary(&self) -> Cross {
        let OptionInputs { right, strike, rate, dividend_yield: div, vol_annual: vol, tte_years: t, .. } =
            self.solved.terms;
        let (sign, spot) = (right.sign(), self.critical);
        let variance = vol * vol;
        let [by_vol, by_rate, by_div] = self.moving.log_today();
        // A boundary depends on time only as σ²·t, r·t and q·t; in the put that stands for a call rate and yield
        // are exchanged, and the call's boundary is one over its.
        let (put_rate, put_div, turned) = match right {
            Right::Put => (rate, div, spot),
            Right::Call => (div, rate, -spot),
        };
        let by_vol_now = turned * by_vol;
        let going_on = -turned * (0.5 * vol * by_vol + put_rate * by_rate + put_div * by_div) / t;
        let gamma = 2.0 * sign * (div * spot - rate * strike) / (variance * spot * spot);
        let gamma_slope = 2.0 * sign * (2.0 * rate * strike / spot - div) / (variance * spot * spot);
        let (vanna, charm) = (-gamma * by_vol_now, -gamma * going_on);
        let speed =
            (sign * div - (rate - div + variance) * spot * gamma - charm) / (0.5 * variance * spot * spot);
        Cross {
            vanna,
            charm,
            speed,
            zomma: (gamma_slope - speed) * by_vol_now - 2.0 * gamma / vol,
            color: (gamma_slope - speed) * going_on,
            veta: -vanna * going_on,
        }
    }
}
