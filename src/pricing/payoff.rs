//! Profit and loss at expiry of a structure whose options share one expiry: the piecewise linear function
//! of the underlying's price, its extremes and zeros.

use crate::domain::Right;

/// Long positive, short negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PayoffLeg {
    /// `quantity` in contracts, `multiplier` units each.
    Option {
        right: Right,
        strike: f64,
        quantity: f64,
        multiplier: f64,
    },
    Shares {
        quantity: f64,
    },
}

impl PayoffLeg {
    fn value(&self, spot: f64) -> f64 {
        match *self {
            Self::Option { right, strike, quantity, multiplier } => {
                quantity * multiplier * (right.sign() * (spot - strike)).max(0.0)
            }
            Self::Shares { quantity } => quantity * spot,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Payoff {
    /// Dollars; `None`: without limit.
    pub max_profit: Option<f64>,
    /// Dollars, a positive number; `None`: without limit.
    pub max_loss: Option<f64>,
    /// Where the line crosses zero, ascending.
    pub breakevens: Vec<f64>,
    /// P&L with the underlying at zero.
    pub at_zero: f64,
    /// P&L far above the highest strike; `None` where it never levels off.
    pub far_up: Option<f64>,
    /// Short calls beyond long calls and shares.
    pub undefined_up: bool,
    /// Short puts beyond long puts and short shares: the loss down to zero is only cash to the one who
    /// keeps the cash for it.
    pub undefined_down: bool,
}

impl Payoff {
    pub fn is_defined(&self) -> bool {
        !self.undefined_up && !self.undefined_down
    }
}

/// `cost` is what was paid for the whole structure in dollars, negative for a credit; shares included at
/// their entry price.
pub fn payoff(legs: &[PayoffLeg], cost: f64) -> Payoff {
    let pnl = |spot: f64| legs.iter().map(|leg| leg.value(spot)).sum::<f64>() - cost;
    let mut corners: Vec<f64> = legs
        .iter()
        .filter_map(|leg| match leg {
            PayoffLeg::Option { strike, .. } => Some(*strike),
            PayoffLeg::Shares { .. } => None,
        })
        .collect();
    corners.push(0.0);
    corners.sort_by(f64::total_cmp);
    corners.dedup();
    let last = corners.last().copied().unwrap_or(0.0);

    let right_slope = slope(legs, Right::Call);
    let puts: f64 = slope(legs, Right::Put);
    let values: Vec<f64> = corners.iter().map(|&spot| pnl(spot)).collect();
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let worst = values.iter().copied().fold(f64::INFINITY, f64::min);
    Payoff {
        max_profit: (right_slope <= 0.0).then_some(best.max(0.0)),
        max_loss: (right_slope >= 0.0).then(|| (-worst).max(0.0)),
        breakevens: zeros(&corners, &values, right_slope),
        at_zero: values.first().copied().unwrap_or(-cost),
        far_up: (right_slope == 0.0).then(|| pnl(last)),
        undefined_up: right_slope < 0.0,
        undefined_down: puts < 0.0,
    }
}

/// Calls: the slope far above all strikes. Puts: what a falling price adds beyond all strikes, where
/// short shares cover short puts and long shares are the holder's own business.
fn slope(legs: &[PayoffLeg], side: Right) -> f64 {
    legs.iter()
        .map(|leg| match *leg {
            PayoffLeg::Option { right, quantity, multiplier, .. } if right == side => quantity * multiplier,
            PayoffLeg::Option { .. } => 0.0,
            PayoffLeg::Shares { quantity } if side == Right::Call => quantity,
            PayoffLeg::Shares { quantity } => (-quantity).max(0.0),
        })
        .sum()
}

fn zeros(corners: &[f64], values: &[f64], right_slope: f64) -> Vec<f64> {
    let mut found = Vec::new();
    for (x, y) in corners.windows(2).zip(values.windows(2)) {
        // A corner that is itself zero counts once, as the end of the segment before it.
        if y[0] * y[1] < 0.0 {
            found.push(x[0] + (x[1] - x[0]) * y[0] / (y[0] - y[1]));
        } else if y[1] == 0.0 && y[0] != 0.0 {
            found.push(x[1]);
        }
    }
    if let (Some(&x), Some(&y)) = (corners.last(), values.last())
        && y * right_slope < 0.0
    {
        found.push(x - y / right_slope);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn legs(text: &str) -> Vec<PayoffLeg> {
        text.split_whitespace()
            .map(|word| {
                let (quantity, rest) = word.split_at(2);
                let quantity: f64 = quantity.parse().expect("a signed digit");
                match rest.split_at(1) {
                    ("S", _) => PayoffLeg::Shares { quantity: quantity * 100.0 },
                    (letter, strike) => PayoffLeg::Option {
                        right: if letter == "C" { Right::Call } else { Right::Put },
                        strike: strike.parse().expect("a strike"),
                        quantity,
                        multiplier: 100.0,
                    },
                }
            })
            .collect()
    }

    /// Columns: legs, cost, profit, loss, breakevens, defined.
    type Case = (&'static str, f64, Option<f64>, Option<f64>, &'static [f64], bool);

    #[test]
    fn the_worked_structures() {
        let cases: [Case; 15] = [
            ("-1P570", -271.0, Some(271.0), Some(56_729.0), &[567.29], false),
            ("-1P570 +1P560", -100.0, Some(100.0), Some(900.0), &[569.0], true),
            ("+1P560 -1P570 -1C630 +1C640", -190.0, Some(190.0), Some(810.0), &[568.10, 631.90], true),
            ("+1P580 -1P600 -1C600 +1C620", -1_320.0, Some(1_320.0), Some(680.0), &[586.80, 613.20], true),
            ("-1P600 -1C600", -2_260.0, Some(2_260.0), None, &[577.40, 622.60], false),
            ("-1P570 -1C630", -422.0, Some(422.0), None, &[565.78, 634.22], false),
            ("+1C590 -2C600 +1C610", 130.0, Some(870.0), Some(130.0), &[591.30, 608.70], true),
            ("+1C580 -1C590 -1C610 +1C620", 540.0, Some(460.0), Some(540.0), &[585.40, 614.60], true),
            ("-1P570 -1C630 +1C635", -328.0, Some(328.0), Some(56_672.0), &[566.72, 633.28], false),
            ("-1P600 -1C600 +1C620", -2_040.0, Some(2_040.0), Some(57_960.0), &[579.60], false),
            ("+1P580 -2P560", 86.0, Some(1_914.0), Some(54_086.0), &[540.86, 579.14], false),
            ("+1S -1C240", 23_000.0 - 268.0, Some(1_268.0), Some(22_732.0), &[227.32], true),
            ("+1S +1P220", 23_000.0 + 210.0, None, Some(1_210.0), &[232.10], true),
            ("+1S +1P220 -1C240", 23_000.0 - 58.0, Some(1_058.0), Some(942.0), &[229.42], true),
            ("+1C600", 1_300.0, None, Some(1_300.0), &[613.0], true),
        ];
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        for (text, cost, profit, loss, breakevens, defined) in cases {
            let got = payoff(&legs(text), cost);
            assert_eq!(got.max_profit.is_some(), profit.is_some(), "{text}");
            assert_eq!(got.max_loss.is_some(), loss.is_some(), "{text}");
            assert!(near(got.max_profit.unwrap_or(0.0), profit.unwrap_or(0.0)), "{text}: {got:?}");
            assert!(near(got.max_loss.unwrap_or(0.0), loss.unwrap_or(0.0)), "{text}: {got:?}");
            assert_eq!(got.breakevens.len(), breakevens.len(), "{text}: {got:?}");
            assert!(got.breakevens.iter().zip(breakevens).all(|(a, b)| near(*a, *b)), "{text}: {got:?}");
            assert_eq!(got.is_defined(), defined, "{text}");
        }
    }

    #[test]
    fn the_sides_of_a_lizard_are_told_apart() {
        let got = payoff(&legs("-1P570 -1C630 +1C635"), -328.0);
        assert_eq!((got.at_zero, got.far_up), (-56_672.0, Some(-172.0)));
        assert!(got.undefined_down && !got.undefined_up);
    }
}
