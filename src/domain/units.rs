//! Analytic figures that say what they are in: dollars are not shares, shares of an underlying not benchmark
//! shares, a year is not a day, 1.00 of volatility not a point. Only numbers of one unit add up; a conversion has
//! a name. In documents and events each is a bare number.
//!
//! Never: converts silently, holds money of the books (that is `Money`, exact).

use std::borrow::Cow;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub f64);

        impl $name {
            pub fn abs(self) -> Self {
                Self(self.0.abs())
            }

            pub fn is_finite(self) -> bool {
                self.0.is_finite()
            }

            pub fn total_cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.total_cmp(&other.0)
            }
        }

        /// A number like any other: its unit is in the name of the field.
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                f64::inline_schema()
            }

            fn schema_name() -> Cow<'static, str> {
                f64::schema_name()
            }

            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                f64::json_schema(generator)
            }
        }

        impl From<$name> for f64 {
            fn from(figure: $name) -> f64 {
                figure.0
            }
        }

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0 + other.0)
            }
        }

        impl AddAssign for $name {
            fn add_assign(&mut self, other: Self) {
                self.0 += other.0;
            }
        }

        impl Sub for $name {
            type Output = Self;
            fn sub(self, other: Self) -> Self {
                Self(self.0 - other.0)
            }
        }

        impl Neg for $name {
            type Output = Self;
            fn neg(self) -> Self {
                Self(-self.0)
            }
        }

        /// By a quantity or a size of the move.
        impl Mul<f64> for $name {
            type Output = Self;
            fn mul(self, factor: f64) -> Self {
                Self(self.0 * factor)
            }
        }

        /// How many times the other it is.
        impl Div for $name {
            type Output = f64;
            fn div(self, other: Self) -> f64 {
                self.0 / other.0
            }
        }

        impl Mul<$name> for f64 {
            type Output = $name;
            fn mul(self, unit: $name) -> $name {
                $name(self * unit.0)
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
                Self(parts.map(|part| part.0).sum())
            }
        }
    };
}

unit!(
    /// Dollars of the model, for sums that need no cent.
    Dollars
);
unit!(
    /// Shares of the underlying, or options that move like so many of them.
    Shares
);
unit!(
    /// Shares of the benchmark with the same first-order risk.
    BenchmarkShares
);
unit!(
    /// What so many shares are worth: dollars per +100 % of the underlying.
    DollarDelta
);
unit!(
    /// Dollars per +100 % of the benchmark, through beta.
    BetaDollarDelta
);
unit!(
    /// Shares that come with each $1 of the underlying.
    SharesPerDollar
);
unit!(
    /// Benchmark shares that come with each $1 of the benchmark.
    BenchmarkSharesPerDollar
);
unit!(
    /// Dollars gained or lost by gamma alone for ±1 % of the underlying.
    GammaPnl
);
unit!(
    /// Dollars gained or lost by gamma alone for ±1 % of the benchmark, through beta.
    BetaGammaPnl
);
unit!(
    /// Change of dollar delta for +1 % of the underlying.
    DollarDeltaPerPercent
);
unit!(
    /// Per year of calendar time going forward.
    PerYear
);
unit!(
    /// Per calendar day.
    PerDay
);
unit!(
    /// Per 1.00 of volatility (from 20 % to 120 %).
    PerVol
);
unit!(
    /// Per vol point (0.01).
    PerVolPoint
);
unit!(
    /// Per 1.00 of volatility, twice.
    PerVolSquared
);
unit!(
    /// Per vol point, per vol point.
    PerVolPointSquared
);
unit!(
    /// Per 1.00 of volatility, three times.
    PerVolCubed
);
unit!(
    /// Per 1.00 of volatility, per year of calendar time going forward.
    PerVolPerYear
);
unit!(
    /// Per 1.00 of a continuously compounded rate.
    PerRate
);
unit!(
    /// Per 1 % of rate.
    PerRatePercent
);

/// Days of the year that times to expiry are counted in.
const DAYS: f64 = 365.0;

impl Shares {
    pub fn dollar_delta(self, spot: f64) -> DollarDelta {
        DollarDelta(self.0 * spot)
    }

    /// `beta_ratio` benchmark shares stand for one share.
    pub fn beta_weighted(self, beta_ratio: f64) -> BenchmarkShares {
        BenchmarkShares(self.0 * beta_ratio)
    }
}

impl BenchmarkShares {
    pub fn beta_dollar_delta(self, benchmark_spot: f64) -> BetaDollarDelta {
        BetaDollarDelta(self.0 * benchmark_spot)
    }
}

impl DollarDelta {
    pub fn beta_weighted(self, beta: f64) -> BetaDollarDelta {
        BetaDollarDelta(self.0 * beta)
    }
}

impl BetaDollarDelta {
    pub fn dollars(self) -> Dollars {
        Dollars(self.0)
    }
}

/// What a share has of it: an option's own figure, which is in no sum before it is a position's.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct PerShare<U>(pub U);

impl<U: Mul<f64, Output = U>> PerShare<U> {
    /// Of so many shares, negative where they are sold.
    pub fn times(self, shares: f64) -> U {
        self.0 * shares
    }
}

impl GammaPnl {
    pub fn dollars(self) -> Dollars {
        Dollars(self.0)
    }
}

impl BetaGammaPnl {
    pub fn dollars(self) -> Dollars {
        Dollars(self.0)
    }
}

impl SharesPerDollar {
    /// The benchmark's move reaches the underlying through the ratio, and so does what comes of it.
    pub fn beta_weighted(self, beta_ratio: f64) -> BenchmarkSharesPerDollar {
        BenchmarkSharesPerDollar(self.0 * beta_ratio * beta_ratio)
    }

    pub fn pnl_of_one_percent(self, spot: f64) -> GammaPnl {
        GammaPnl(0.5 * self.0 * (0.01 * spot).powi(2))
    }

    pub fn dollar_delta_of_one_percent(self, spot: f64) -> DollarDeltaPerPercent {
        DollarDeltaPerPercent(self.0 * spot * spot / 100.0)
    }
}

impl BenchmarkSharesPerDollar {
    pub fn pnl_of_one_percent(self, benchmark_spot: f64) -> BetaGammaPnl {
        BetaGammaPnl(0.5 * self.0 * (0.01 * benchmark_spot).powi(2))
    }
}

impl PerYear {
    pub fn per_day(self) -> PerDay {
        PerDay(self.0 / DAYS)
    }
}

impl PerDay {
    pub fn per_year(self) -> PerYear {
        PerYear(self.0 * DAYS)
    }

    /// What so many days of it make.
    pub fn over(self, days: f64) -> Dollars {
        Dollars(self.0 * days)
    }
}

impl PerVol {
    pub fn per_point(self) -> PerVolPoint {
        PerVolPoint(self.0 / 100.0)
    }
}

impl PerVolPoint {
    pub fn per_vol(self) -> PerVol {
        PerVol(self.0 * 100.0)
    }
}

impl PerVolSquared {
    pub fn per_point_squared(self) -> PerVolPointSquared {
        PerVolPointSquared(self.0 / 10_000.0)
    }
}

impl PerRate {
    pub fn per_percent(self) -> PerRatePercent {
        PerRatePercent(self.0 / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions_go_there_and_back() {
        assert_eq!(PerYear(-365.0).per_day(), PerDay(-1.0));
        assert_eq!(PerDay(2.0).per_year(), PerYear(730.0));
        assert_eq!(PerVol(68.0).per_point(), PerVolPoint(0.68));
        assert_eq!(PerVolPoint(0.5).per_vol(), PerVol(50.0));
        assert_eq!(PerVolSquared(5.0).per_point_squared(), PerVolPointSquared(0.0005));
        assert_eq!(PerRate(25.0).per_percent(), PerRatePercent(0.25));
    }

    #[test]
    fn a_document_holds_the_bare_number() {
        assert_eq!(serde_json::to_string(&PerDay(-1.25)).expect("a number"), "-1.25");
        assert_eq!(serde_json::from_str::<Option<Shares>>("null").expect("nothing"), None);
        assert_eq!(serde_json::from_str::<Shares>("3").expect("a number"), Shares(3.0));
        assert_eq!(schemars::schema_for!(PerDay), schemars::schema_for!(f64));
    }

    #[test]
    fn numbers_of_one_unit_add_scale_and_turn() {
        let mut sum = PerDay(1.5) + PerDay(2.0) - PerDay(0.5);
        sum += PerDay(1.0);
        assert_eq!(sum, PerDay(4.0));
        assert_eq!(-(sum * 2.0), 2.0 * -sum);
        assert_eq!([PerDay(1.0), PerDay(2.0)].into_iter().sum::<PerDay>(), PerDay(3.0));
    }
}
