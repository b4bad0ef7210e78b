//! The cheapest whole number of shares that brings a delta into its band.
//!
//! Never: proposes what the account may not hold, or anything while a leg of the portfolio has no price.

use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::{LegPricing, PortfolioRisk, RiskBook, usable};
use super::exposure::Exposures;
use crate::domain::Symbol;
use crate::domain::account::AccountKind;
use crate::domain::instrument::is_index;
use crate::domain::units::{BenchmarkShares, Dollars, Shares};

/// A default band is this share of the limit.
const BAND_OF_LIMIT: f64 = 0.5;
const MOST_PROPOSALS: usize = 3;

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Band {
    pub low: BenchmarkShares,
    pub high: BenchmarkShares,
}

impl Band {
    pub fn around_zero(half_width: BenchmarkShares) -> Self {
        Self { low: -half_width, high: half_width }
    }

    pub fn holds(&self, value: BenchmarkShares) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

/// The least number of shares (bought positive, sold negative) that moves `value` into the band, when one share
/// moves it by `per_share`. Zero inside the band; `None` where whole shares step over it.
pub fn shares_into_band(value: BenchmarkShares, per_share: BenchmarkShares, band: Band) -> Option<i64> {
    let usable = value.is_finite() && per_share.is_finite() && per_share != BenchmarkShares(0.0);
    if !usable || band.low > band.high {
        return None;
    }
    if band.holds(value) {
        return Some(0);
    }
    let gap = if value < band.low { band.low - value } else { band.high - value };
    // A hair of rounding must not cost another share.
    let exactly = gap / per_share;
    let steps = exactly.abs();
    let whole = (steps - 1e-9 * steps.max(1.0)).ceil();
    let signed = whole * exactly.signum();
    let after = value + signed * per_share;
    let slack = BenchmarkShares(1e-9 * gap.0.abs().max(1.0));
    let inside = after >= band.low - slack && after <= band.high + slack;
    // Share counts are far below 2^52.
    (inside && whole < 1e9).then_some(signed as i64)
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HedgeProposal {
    pub symbol: Symbol,
    /// Shares to buy, negative to sell.
    pub shares: i64,
    /// Half the spread on each share.
    pub cost: Dollars,
    /// Beta-weighted delta, now and then.
    pub before: BenchmarkShares,
    pub after: BenchmarkShares,
    pub band: Band,
    /// |beta dollar delta| after, as a fraction of equity.
    pub beta_delta_after: Option<f64>,
    /// `buy 100 SPY`
    pub action: String,
}

/// The band of a portfolio's beta-weighted delta, in benchmark shares: its own, or half of L1.
pub fn delta_band(book: &RiskBook, portfolio: &PortfolioRisk) -> Option<Band> {
    let from_limit = || {
        let limit = portfolio.limits.beta_delta?.to_f64()?;
        Some(BenchmarkShares(BAND_OF_LIMIT * limit * portfolio.equity? / usable(book.benchmark_spot)?))
    };
    let half = portfolio.delta_band.or_else(from_limit)?;
    (half.is_finite() && half.0 >= 0.0).then(|| Band::around_zero(half))
}

/// Shares of the benchmark or of an underlying the portfolio already holds, cheapest first; nothing where
/// the delta is inside its band, has no band, or is not fully known.
pub fn proposals(book: &RiskBook, portfolio: &PortfolioRisk, exposures: &Exposures) -> Vec<HedgeProposal> {
    let Some(band) = delta_band(book, portfolio) else { return Vec::new() };
    let value = exposures.total.beta_weighted_delta;
    if !exposures.total.coverage.complete || band.holds(value) {
        return Vec::new();
    }
    let mut found: Vec<HedgeProposal> = candidates(book, exposures)
        .into_iter()
        .filter_map(|candidate| propose(book, portfolio, value, band, &candidate))
        .collect();
    found.sort_by(|a, b| a.cost.0.total_cmp(&b.cost.0).then_with(|| a.symbol.cmp(&b.symbol)));
    found.truncate(MOST_PROPOSALS);
    found
}

struct Candidate {
    symbol: Symbol,
    per_share: BenchmarkShares,
    half_spread: Dollars,
}

fn candidates(book: &RiskBook, exposures: &Exposures) -> Vec<Candidate> {
    let of = |symbol: &Symbol, ratio: f64, half_spread: f64| Candidate {
        symbol: symbol.clone(),
        per_share: Shares(1.0).beta_weighted(ratio),
        half_spread: Dollars(half_spread),
    };
    let mut all = Vec::new();
    if let Some(half_spread) = book.benchmark_half_spread {
        all.push(of(&book.benchmark, 1.0, half_spread));
    }
    for row in &exposures.underlyings {
        let Some(underlying) = book.underlyings.get(row.underlying) else { continue };
        if underlying.symbol == book.benchmark || underlying.beta_assumed {
            continue;
        }
        if let (Some(ratio), Some(half_spread)) = (book.beta_ratio(underlying), underlying.half_spread) {
            all.push(of(&underlying.symbol, ratio, half_spread));
        }
    }
    all.retain(|c| !is_index(c.symbol.as_str()) && c.half_spread.is_finite() && c.half_spread.0 >= 0.0);
    all
}

fn propose(
    book: &RiskBook,
    portfolio: &PortfolioRisk,
    value: BenchmarkShares,
    band: Band,
    candidate: &Candidate,
) -> Option<HedgeProposal> {
    let quantity = shares_into_band(value, candidate.per_share, band)?;
    let shares = Shares(quantity as f64);
    if quantity == 0 || !may_hold(book, portfolio, &candidate.symbol, shares) {
        return None;
    }
    let after = value + shares.0 * candidate.per_share;
    let spot = usable(book.benchmark_spot);
    let equity = portfolio.equity.filter(|e| *e > 0.0);
    let verb = if quantity > 0 { "buy" } else { "sell" };
    Some(HedgeProposal {
        symbol: candidate.symbol.clone(),
        shares: quantity,
        cost: shares.0.abs() * candidate.half_spread,
        before: value,
        after,
        band,
        beta_delta_after: spot
            .zip(equity)
            .map(|(spot, equity)| (after.beta_dollar_delta(spot).dollars() / Dollars(equity)).abs()),
        action: format!("{verb} {} {}", quantity.abs(), candidate.symbol),
    })
}

/// Without margin no share can be sold short: only those that are there, and are not pledged to calls.
fn may_hold(book: &RiskBook, portfolio: &PortfolioRisk, symbol: &Symbol, shares: Shares) -> bool {
    let short_allowed = match portfolio.account {
        Some(AccountKind::Margin) | None => true,
        Some(AccountKind::Ira | AccountKind::Cash) => false,
    };
    if shares.0 >= 0.0 || short_allowed {
        return true;
    }
    let mine = book
        .legs
        .iter()
        .filter(|leg| leg.portfolio == Some(portfolio.id))
        .filter(|leg| book.underlying_of(leg).is_some_and(|u| u.symbol == *symbol));
    let free: Shares = mine
        .map(|leg| match leg.priced {
            LegPricing::Shares => Shares(leg.quantity * leg.multiplier),
            LegPricing::Option { inputs, .. } if inputs.right.sign() > 0.0 => {
                Shares(leg.quantity.min(0.0) * leg.multiplier)
            }
            LegPricing::Option { .. } | LegPricing::Unpriced { .. } => Shares(0.0),
        })
        .sum();
    shares + free >= Shares(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::exposure::exposures;
    use crate::risk::fixtures::{book_b, close, portfolio};

    fn into_band(value: f64, per_share: f64, half_width: f64) -> Option<i64> {
        let band = Band::around_zero(BenchmarkShares(half_width));
        shares_into_band(BenchmarkShares(value), BenchmarkShares(per_share), band)
    }

    #[test]
    fn the_worked_hedge_buys_a_hundred_shares_for_a_dollar() {
        let hedge = into_band(-150.0, 1.0, 50.0).expect("feasible");
        assert_eq!(hedge, 100);
        close(hedge as f64 * 0.01, 1.00, 1e-12);
        close(-150.0 + hedge as f64, -50.0, 1e-12);
    }

    #[test]
    fn the_least_number_that_reaches_the_band_is_found_from_either_side() {
        for value in [-137.3, -50.2, 50.01, 93.0, 240.0] {
            for per_share in [1.0, 0.37, -0.2] {
                let n = into_band(value, per_share, 50.0).expect("feasible");
                let holds = |n: i64| (value + n as f64 * per_share).abs() <= 50.0;
                assert!(holds(n), "{value} {per_share} {n}");
                assert!(!holds(n - n.signum()), "{value} {per_share} {n}");
            }
        }
        assert_eq!(into_band(10.0, 1.0, 50.0), Some(0));
        assert_eq!(into_band(10.0, 7.0, 0.5), None, "7-delta steps jump over it");
        assert_eq!(into_band(10.0, 0.0, 5.0), None);
        assert_eq!(into_band(f64::NAN, 1.0, 5.0), None);
    }

    #[test]
    fn a_long_book_is_offered_the_cheapest_shares_to_sell() {
        let mut book = book_b();
        book.underlyings[2].half_spread = Some(0.02);
        let mut tight = portfolio(40_000.0);
        for leg in &mut book.legs {
            leg.portfolio = Some(tight.id);
        }
        // Half of 75 % of 40,000 is 25 benchmark shares; the book has 60.75.
        let found = proposals(&book, &tight, &exposures(&book));
        assert_eq!(found[0].action, "sell 35 QQQ", "1.04 benchmark shares each");
        assert!(found.iter().all(|p| p.band.holds(p.after) && p.shares < 0));
        assert!(found.windows(2).all(|w| w[0].cost <= w[1].cost));
        close(found[0].beta_delta_after.expect("known"), found[0].after.0 * 600.0 / 40_000.0, 1e-12);
        // An IRA sells no shares short, and its 200 AAPL are pledged to two calls.
        tight.account = Some(AccountKind::Ira);
        assert!(proposals(&book, &tight, &exposures(&book)).is_empty());
        book.legs.truncate(7);
        let sells = proposals(&book, &tight, &exposures(&book));
        assert!(sells.iter().all(|p| p.symbol.as_str() == "AAPL") && !sells.is_empty());
    }

    #[test]
    fn nothing_is_proposed_inside_the_band_or_in_the_dark() {
        let mut book = book_b();
        assert!(proposals(&book, &portfolio(400_000.0), &exposures(&book)).is_empty());
        book.legs[0].priced = LegPricing::Unpriced { why: crate::domain::freshness::Unusable::Missing };
        assert!(proposals(&book, &portfolio(40_000.0), &exposures(&book)).is_empty());
    }
}
