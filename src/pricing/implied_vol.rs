//! The volatility at which the model gives an observed price, or the reason why there is none.

use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatility};

use crate::domain::Right;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum ImpliedVolError {
    #[error("the price is below the discounted intrinsic value; check spot, rate and dividends")]
    BelowIntrinsic,
    #[error("the price is exactly the discounted intrinsic value: no time value is left to invert")]
    AtIntrinsic,
    #[error("the price is above the highest that any volatility gives; check the quote")]
    AboveMax,
    #[error("the price is the highest possible: no finite volatility gives it; check the quote")]
    AtMax,
    #[error("the price is zero; use a quote with a bid")]
    ZeroPrice,
    #[error("the price is negative; check the quote")]
    NegativePrice,
    #[error("an input is not a finite, positive number; check the row")]
    NotFinite,
    #[error("no time is left to expiry; an expired option has no implied volatility")]
    Expired,
}

impl ImpliedVolError {
    /// The word used in tables.
    pub fn code(self) -> &'static str {
        match self {
            Self::BelowIntrinsic => "below_intrinsic",
            Self::AtIntrinsic => "at_intrinsic",
            Self::AboveMax => "above_max",
            Self::AtMax => "at_max",
            Self::ZeroPrice => "zero_price",
            Self::NegativePrice => "negative_price",
            Self::NotFinite => "not_finite",
            Self::Expired => "expired",
        }
    }
}

/// European implied volatility per √year, by Jäckel's method: accurate to the conditioning of the problem.
pub fn implied_vol(
    right: Right,
    price: f64,
    spot: f64,
    strike: f64,
    rate: f64,
    dividend_yield: f64,
    tte_years: f64,
) -> Result<f64, ImpliedVolError> {
    use ImpliedVolError as E;
    let all = [price, spot, strike, rate, dividend_yield, tte_years];
    if all.iter().any(|x| !x.is_finite()) || spot <= 0.0 || strike <= 0.0 {
        return Err(E::NotFinite);
    }
    if tte_years <= 0.0 {
        return Err(E::Expired);
    }
    if price < 0.0 {
        return Err(E::NegativePrice);
    }
    if price == 0.0 {
        return Err(E::ZeroPrice);
    }
    let forward_side = spot * (-dividend_yield * tte_years).exp();
    let strike_side = strike * (-rate * tte_years).exp();
    let (intrinsic, most) = match right {
        Right::Call => ((forward_side - strike_side).max(0.0), forward_side),
        Right::Put => ((strike_side - forward_side).max(0.0), strike_side),
    };
    if price < intrinsic {
        return Err(E::BelowIntrinsic);
    }
    if price == intrinsic {
        return Err(E::AtIntrinsic);
    }
    if price > most {
        return Err(E::AboveMax);
    }
    if price == most {
        return Err(E::AtMax);
    }
    let grow = (rate * tte_years).exp();
    ImpliedBlackVolatility::builder()
        .option_price(price * grow)
        .forward(forward_side * grow)
        .strike(strike)
        .expiry(tte_years)
        .is_call(right == Right::Call)
        .build()
        .and_then(|problem| problem.calculate::<DefaultSpecialFn>())
        .filter(|vol| vol.is_finite() && *vol > 0.0)
        // The bounds were met in discounted terms; compounding can only lose the last digit of them.
        .ok_or(if price - intrinsic < most - price { E::AtIntrinsic } else { E::AtMax })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numerics::optional_data;
    use crate::pricing::{OptionInputs, price};

    #[test]
    fn bid_mid_and_ask_of_one_quote() {
        let tau = 28.229_166_666_666_667 / 365.0;
        let vol =
            |right, price, strike| implied_vol(right, price, 600.0, strike, 0.04, 0.012, tau).expect("a vol");
        for (price, want) in [(2.75, 0.196_039_982), (2.70, 0.194_786_827), (2.80, 0.197_285_488)] {
            assert!((vol(Right::Put, price, 570.0) - want).abs() < 1e-9, "{price}");
        }
        assert!((vol(Right::Put, 0.05, 520.0) - 0.202_934_653).abs() < 1e-9);
    }

    #[test]
    fn the_reference_table() {
        let Some(text) = optional_data::text("reference/numerics/implied_vol.csv") else { return };
        let mut wrong = Vec::new();
        for record in csv::Reader::from_reader(text.as_bytes()).records() {
            let record = record.expect("a record");
            let number = |at: usize| record[at].parse::<f64>().unwrap_or(f64::NAN);
            let right = if &record[2] == "C" { Right::Call } else { Right::Put };
            let got = implied_vol(right, number(8), number(3), number(4), number(5), number(6), number(7));
            let good = match got {
                Ok(vol) => {
                    let bound = 8.0 * f64::EPSILON * number(10) + 2.0 * f64::EPSILON;
                    (vol / number(9) - 1.0).abs() <= bound
                }
                Err(error) => error.code() == &record[11],
            };
            if !good {
                wrong.push(format!("{}: {got:?}, not {} {}", &record[0], &record[9], &record[11]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn a_round_trip_returns_the_volatility() {
        for vol_annual in [0.03, 0.2, 1.5] {
            let inputs = OptionInputs {
                right: Right::Call,
                spot: 100.0,
                strike: 104.0,
                rate: 0.03,
                dividend_yield: 0.01,
                vol_annual,
                tte_years: 0.3,
            };
            let back = implied_vol(Right::Call, price(&inputs), 100.0, 104.0, 0.03, 0.01, 0.3);
            assert!((back.expect("a vol") - vol_annual).abs() < 1e-12, "{vol_annual}");
        }
    }
}
