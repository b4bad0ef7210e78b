//! What early exercise adds to one contract, tabulated over spots and volatilities: scenarios that each have
//! their own read it off by cubics and need no solution of their own.

use super::along::Left;
use super::kernel::{Terms, add};
use super::ladder::Ladders;
use crate::numerics::vector::{Kernel, dispatch};
use crate::pricing::Exercise;
use crate::pricing::american::American;
use crate::pricing::inputs::OptionInputs;

/// Distance of neighbouring spots in logarithm: absolutely, and as a share of the deviation over what is left
/// of the option's life. At the boundary the premium's curvature jumps; this keeps what cubics make of it
/// below the error of a solution.
const SPOT_STEP: f64 = 0.004;
const SPOT_SHARE: f64 = 0.25;
/// Distance of neighbouring volatilities in logarithm.
const VOL_STEP: f64 = 0.08;
const MOST_SPOTS: usize = 512;
const MOST_VOLS: usize = 96;
/// Cubics need one node before and two after the cell.
const BEFORE: f64 = 1.0;
const AROUND: usize = 4;

/// How early exercise of one option is valued in scenarios.
#[derive(Debug, Clone)]
pub(super) enum Early {
    /// It is never right.
    Never,
    Tabulated(Premiums),
    /// A table would be too large: each scenario is priced on its own.
    Each,
}

/// The premium by volatility and, within one, by spot; both in logarithms.
#[derive(Debug, Clone)]
pub(super) struct Premiums {
    spots: Axis,
    vols: Axis,
    values: Vec<f64>,
}

#[derive(Debug, Clone, Copy)]
struct Axis {
    first: f64,
    step: f64,
    nodes: usize,
}

impl Axis {
    /// Covers all between the ends; `None` where it would take more cells than that.
    fn of((low, high): (f64, f64), step: f64, most: usize) -> Option<Self> {
        let cells = ((high - low) / step).ceil().max(1.0);
        let step = if high > low { (high - low) / cells } else { step };
        (cells <= most as f64).then(|| Self {
            first: low - BEFORE * step,
            step,
            nodes: cells as usize + AROUND,
        })
    }

    /// One node: nothing depends on where.
    fn one(at: f64) -> Self {
        Self { first: at, step: 1.0, nodes: 1 }
    }

    fn at(&self, node: usize) -> f64 {
        self.first + self.step * node as f64
    }

    /// The first of four nodes and their shares in a cubic; `None` outside of the ends.
    #[inline(always)]
    fn shares(&self, x: f64) -> Option<(usize, [f64; 4])> {
        let place = (x - self.first) / self.step - BEFORE;
        let cell = place.floor();
        if !(cell >= 0.0 && cell <= (self.nodes - AROUND) as f64) {
            return None;
        }
        let u = place - cell;
        let (v, w, z) = (u + 1.0, u - 1.0, u - 2.0);
        Some((cell as usize, [-u * w * z / 6.0, 0.5 * v * w * z, -0.5 * v * u * z, v * u * w / 6.0]))
    }
}

impl Early {
    /// For plain spots and volatilities between such ends.
    pub fn of(left: &Left, spots: (f64, f64), vols: (f64, f64)) -> Self {
        if left.exercise == Exercise::AtExpiry || left.terms.tte_years <= 0.0 {
            return Self::Never;
        }
        let net = |spot: f64| (spot - left.escrow).ln();
        let near = SPOT_SHARE * vols.0 * left.terms.tte_years.sqrt();
        let spots = Axis::of((net(spots.0), net(spots.1)), SPOT_STEP.min(near), MOST_SPOTS);
        let vols = match vols.0 == vols.1 {
            true => Some(Axis::one(vols.0.ln())),
            false => Axis::of((vols.0.ln(), vols.1.ln()), VOL_STEP, MOST_VOLS),
        };
        let (Some(spots), Some(vols)) = (spots, vols) else { return Self::Each };
        let row: Vec<f64> = (0..spots.nodes).map(|node| spots.at(node).exp()).collect();
        let Some(ladder) = Ladders::of(&[row]) else { return Self::Each };
        let mut values = vec![0.0; vols.nodes * spots.nodes];
        let mut never = true;
        for (place, out) in values.chunks_exact_mut(spots.nodes).enumerate() {
            let vol_annual = vols.at(place).exp();
            if let Some(early) = left.early(vol_annual) {
                let terms = OptionInputs { vol_annual, ..left.terms };
                dispatch(Row { terms: &terms, early: &early, ladder: &ladder, out });
                never = false;
            }
        }
        if never { Self::Never } else { Self::Tabulated(Premiums { spots, vols, values }) }
    }

    /// Turns European values at some spots, each with its volatility, into what the option is worth.
    pub fn lift(
        &self,
        left: &Left,
        (spots, logs): (&[f64], &[f64]),
        vol: impl Fn(usize) -> f64,
        values: &mut [f64],
    ) {
        if matches!(self, Self::Never) {
            return;
        }
        for (place, ((value, spot), log)) in values.iter_mut().zip(spots).zip(logs).enumerate() {
            let vol_annual = vol(place);
            let known = match self {
                Self::Tabulated(premiums) => premiums.at(*log, vol_annual),
                Self::Never | Self::Each => None,
            };
            *value = match known {
                Some(premium) => (*value + premium.max(0.0)).max(left.intrinsic(*spot)),
                None => left.exercise.price(&OptionInputs { spot: *spot, vol_annual, ..left.terms }),
            };
        }
    }
}

impl Premiums {
    #[inline(always)]
    fn at(&self, log: f64, vol_annual: f64) -> Option<f64> {
        let (column, by_spot) = self.spots.shares(log)?;
        let along = |row: usize| {
            let nodes = self.values.get(row * self.spots.nodes + column..)?.first_chunk::<4>()?;
            Some(nodes.iter().zip(&by_spot).map(|(value, share)| value * share).sum::<f64>())
        };
        if self.vols.nodes == 1 {
            return along(0);
        }
        let (row, by_vol) = self.vols.shares(vol_annual.ln())?;
        let mut premium = 0.0;
        for (place, share) in by_vol.iter().enumerate() {
            premium += share * along(row + place)?;
        }
        Some(premium)
    }
}

/// The premium along one ladder.
struct Row<'a> {
    terms: &'a OptionInputs,
    early: &'a American,
    ladder: &'a Ladders,
    out: &'a mut [f64],
}

impl Kernel for Row<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let (spots, logs) = self.ladder.row(0);
        let mut european = vec![0.0; spots.len()];
        let mut terms = Terms::of::<FMA>(self.terms, 1.0);
        terms.at::<FMA>(self.terms.tte_years);
        add::<FMA>(&terms, self.terms.vol_annual, (spots, logs), &mut european);
        let count = self.out.len();
        self.out.copy_from_slice(&european[..count]);
        self.early.lift::<FMA>((&spots[..count], &logs[..count]), self.out);
        self.out.iter_mut().zip(&european).for_each(|(premium, european)| *premium -= european);
    }
}
