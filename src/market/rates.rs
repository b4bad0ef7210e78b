//! The zero curve: continuously compounded, ACT/365, linear in the zero rate between its points and flat
//! beyond them.

/// What money costs to one term.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ZeroPoint {
    /// Calendar days.
    pub days: f64,
    /// Continuously compounded, per year, as a fraction.
    pub rate: f64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct RateCurve {
    /// Ascending, never empty.
    points: Vec<ZeroPoint>,
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum BadCurve {
    #[error("the rate curve has no points; give at least one zero rate")]
    Empty,
    #[error("the rate curve names {days} days twice; give each term once")]
    Twice { days: f64 },
    #[error("the zero rate {rate} at {days} days is not usable; give a fraction such as 0.0385 (3.85 %)")]
    Rate { days: f64, rate: f64 },
}

impl RateCurve {
    /// The same rate for every term.
    pub fn flat(rate: f64) -> Result<Self, BadCurve> {
        Self::new(vec![ZeroPoint { days: 0.0, rate }])
    }

    /// In any order. A rate beyond ±50 % is taken for percent written as a fraction.
    pub fn new(mut points: Vec<ZeroPoint>) -> Result<Self, BadCurve> {
        if points.is_empty() {
            return Err(BadCurve::Empty);
        }
        for &ZeroPoint { days, rate } in &points {
            if !(days.is_finite() && days >= 0.0 && rate.is_finite() && rate.abs() <= 0.5) {
                return Err(BadCurve::Rate { days, rate });
            }
        }
        points.sort_by(|a, b| a.days.total_cmp(&b.days));
        if let Some(pair) = points.windows(2).find(|pair| pair[0].days == pair[1].days) {
            return Err(BadCurve::Twice { days: pair[0].days });
        }
        Ok(Self { points })
    }

    /// The zero rate for a term of `tte_years`.
    pub fn zero(&self, tte_years: f64) -> f64 {
        let days = tte_years * 365.0;
        let above = self.points.partition_point(|point| point.days < days);
        match (above.checked_sub(1).and_then(|i| self.points.get(i)), self.points.get(above)) {
            (Some(a), Some(b)) => a.rate + (b.rate - a.rate) * (days - a.days) / (b.days - a.days),
            (Some(end), None) | (None, Some(end)) => end.rate,
            (None, None) => 0.0,
        }
    }

    pub fn discount(&self, tte_years: f64) -> f64 {
        (-self.zero(tte_years) * tte_years).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Result<RateCurve, BadCurve> {
        RateCurve::new(points.iter().map(|&(days, rate)| ZeroPoint { days, rate }).collect())
    }

    #[test]
    fn linear_between_and_flat_beyond() {
        let curve = curve(&[(90.0, 0.04), (30.0, 0.03)]).expect("a curve");
        let at = |days: f64| curve.zero(days / 365.0);
        assert_eq!((at(1.0), at(30.0), at(400.0)), (0.03, 0.03, 0.04));
        assert!((at(60.0) - 0.035).abs() < 1e-15);
        assert!((curve.discount(1.0) - (-0.04f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(curve(&[]), Err(BadCurve::Empty));
        assert!(RateCurve::flat(f64::NAN).is_err());
        assert!(RateCurve::flat(3.85).is_err());
        assert!(curve(&[(30.0, 0.03), (30.0, 0.04)]).is_err());
    }
}
