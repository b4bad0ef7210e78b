//! Sensitivities that say what they are per, where the mathematics and the screen differ: a year is not a
//! day, 1.00 of volatility not a point. Only numbers of one unit add up; a conversion has a name.
//!
//! Never: converts silently.

use std::iter::Sum;
use std::ops::{Add, AddAssign, Mul, Neg, Sub};

macro_rules! unit {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, Default, PartialEq, PartialOrd)]
        pub struct $name(pub f64);

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
    /// Per 1.00 of a continuously compounded rate.
    PerRate
);
unit!(
    /// Per 1 % of rate.
    PerRatePercent
);

/// Days of the year that times to expiry are counted in.
const DAYS: f64 = 365.0;

impl PerYear {
    pub fn per_day(self) -> PerDay {
        PerDay(self.0 / DAYS)
    }
}

impl PerDay {
    pub fn per_year(self) -> PerYear {
        PerYear(self.0 * DAYS)
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
    fn numbers_of_one_unit_add_scale_and_turn() {
        let mut sum = PerDay(1.5) + PerDay(2.0) - PerDay(0.5);
        sum += PerDay(1.0);
        assert_eq!(sum, PerDay(4.0));
        assert_eq!(-(sum * 2.0), 2.0 * -sum);
        assert_eq!([PerDay(1.0), PerDay(2.0)].into_iter().sum::<PerDay>(), PerDay(3.0));
    }
}
