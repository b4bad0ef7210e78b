//! The covariance of daily returns from the book's volatilities and correlations.
//!
//! Never: stands in for a volatility. A correlation without history comes from betas, and says so.

use nalgebra::DMatrix;

use crate::domain::Symbol;
use crate::numerics::covariance::repair_correlation;
use crate::risk::book::{RiskBook, RiskUnderlying};

#[derive(Debug, Clone, PartialEq)]
pub struct Covariance {
    /// In the order of the places asked for.
    pub matrix: DMatrix<f64>,
    pub assumed: bool,
    pub repaired: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gap {
    pub missing: Vec<Symbol>,
    pub why: String,
}

/// Covariance between the underlyings at `places`.
pub fn of(book: &RiskBook, places: &[usize]) -> Result<Covariance, Gap> {
    let members: Vec<(usize, &RiskUnderlying)> =
        places.iter().filter_map(|&place| Some((place, book.underlyings.get(place)?))).collect();
    let missing: Vec<Symbol> =
        members.iter().filter(|(_, u)| vol(u).is_none()).map(|(_, u)| u.symbol.clone()).collect();
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(Symbol::as_str).collect();
        return Err(Gap { why: format!("no daily volatility for {}", names.join(", ")), missing });
    }
    let vols: Vec<f64> = members.iter().filter_map(|(_, u)| vol(u)).collect();
    let mut assumed = false;
    let n = members.len();
    let mut correlation = DMatrix::identity(n, n);
    for i in 0..n {
        for j in 0..i {
            let rho = match given(book, members[i].0, members[j].0) {
                Some(rho) => rho,
                None => {
                    assumed = true;
                    by_beta(book, members[i].1, members[j].1)?
                }
            };
            correlation[(i, j)] = rho;
            correlation[(j, i)] = rho;
        }
    }
    let repaired = repair_correlation(&mut correlation);
    let matrix = DMatrix::from_fn(n, n, |i, j| correlation[(i, j)] * vols[i] * vols[j]);
    Ok(Covariance { matrix, assumed, repaired })
}

fn vol(underlying: &RiskUnderlying) -> Option<f64> {
    underlying.daily_vol.filter(|v| v.is_finite() && *v > 0.0)
}

fn given(book: &RiskBook, i: usize, j: usize) -> Option<f64> {
    let entry = |a: usize, b: usize| book.correlation.get(a).and_then(|row| row.get(b)).copied().flatten();
    entry(i, j).or_else(|| entry(j, i)).filter(|rho| (-1.0..=1.0).contains(rho))
}

/// Two names correlate as far as both follow the benchmark: ρ = ρ(i, market) · ρ(j, market).
fn by_beta(book: &RiskBook, a: &RiskUnderlying, b: &RiskUnderlying) -> Result<f64, Gap> {
    let own = book.underlyings.iter().find(|u| u.symbol == book.benchmark).and_then(vol);
    let market =
        book.benchmark_daily_vol.filter(|v| v.is_finite() && *v > 0.0).or(own).ok_or_else(|| Gap {
            missing: vec![a.symbol.clone(), b.symbol.clone()],
            why: format!(
                "no correlation between {} and {}, and no volatility of {} to take it from betas",
                a.symbol, b.symbol, book.benchmark
            ),
        })?;
    let to_market = |u: &RiskUnderlying| {
        if u.symbol == book.benchmark {
            return 1.0;
        }
        vol(u).map_or(0.0, |own| (u.beta * market / own).clamp(-1.0, 1.0))
    };
    Ok(to_market(a) * to_market(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::fixtures::{book_b, close};

    #[test]
    fn a_missing_volatility_is_named_and_never_replaced() {
        let mut book = book_b();
        book.underlyings[1].daily_vol = None;
        let gap = of(&book, &[0, 1, 2]).expect_err("QQQ has no volatility");
        assert_eq!(gap.missing, [book.underlyings[1].symbol.clone()]);
        assert!(gap.why.contains("QQQ"));
        assert!(of(&book, &[0, 2]).is_ok(), "who does not hold it does not need it");
    }

    #[test]
    fn a_missing_correlation_comes_from_betas_and_is_flagged() {
        let mut book = book_b();
        book.correlation.clear();
        let got = of(&book, &[0, 1, 2]).expect("betas are known");
        assert!(got.assumed);
        let (qqq, aapl) = (1.2 * 0.010 / 0.014, 1.15 * 0.010 / 0.017);
        close(got.matrix[(0, 1)], qqq * 0.010 * 0.014, 1e-15);
        close(got.matrix[(1, 2)], qqq * aapl * 0.014 * 0.017, 1e-15);
        book.benchmark_daily_vol = None;
        book.underlyings[0].symbol = crate::risk::fixtures::symbol("DIA");
        assert!(of(&book, &[1, 2]).is_err());
    }

    #[test]
    fn contradicting_correlations_are_made_consistent() {
        let mut book = book_b();
        let rho = [[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]];
        book.correlation = rho.iter().map(|row| row.iter().copied().map(Some).collect()).collect();
        let got = of(&book, &[0, 1, 2]).expect("repaired");
        assert!(got.repaired && !got.assumed);
        assert!(got.matrix.symmetric_eigenvalues().iter().all(|&value| value >= -1e-12));
        close(got.matrix[(1, 1)], 0.014 * 0.014, 1e-15);
    }
}
