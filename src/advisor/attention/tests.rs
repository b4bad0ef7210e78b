//! When a hedge appears, how long it stays, and what becomes of it when the link breaks.

use super::*;
use crate::domain::units::{BenchmarkShares, Dollars};
use crate::market::board::Board;
use crate::market::rates::RateCurve;
use crate::market::view::MarketConfig;
use crate::risk::exposure::{Coverage, TotalExposure};
use crate::risk::var::VarOutcome;

fn symbol() -> Symbol {
    Symbol::new("SPY").expect("a symbol")
}

/// A portfolio with L1 this much used and, outside its band, a proposal.
fn portfolio(used: f64, delta: f64) -> PortfolioReport {
    let delta = BenchmarkShares(delta);
    let id = PortfolioId::from_key("core");
    let band = Band::around_zero(BenchmarkShares(100.0));
    let hedge = HedgeProposal {
        symbol: symbol(),
        shares: -20,
        cost: Dollars(0.2),
        before: delta,
        after: BenchmarkShares(100.0),
        band,
        beta_delta_after: Some(0.6),
        action: "sell 20 SPY".into(),
    };
    PortfolioReport {
        id: Some(id),
        name: "Core".into(),
        total: TotalExposure { beta_weighted_delta: delta, ..TotalExposure::default() },
        worst: None,
        var: VarOutcome::Unknown { why: "not asked".into(), missing: Vec::new() },
        limits: vec![LimitReading {
            id: LimitId::L1,
            portfolio: id,
            portfolio_name: "Core".into(),
            measure: Some(Dollars(used)),
            value: Some(used),
            limit: Some(1.0),
            utilisation: Some(used),
            state: LimitState::of(used),
            parts: Vec::new(),
            unknown: None,
        }],
        hedges: if band.holds(delta) { Vec::new() } else { vec![hedge] },
    }
}

fn told(portfolio: &PortfolioReport, held: &mut Held) -> Option<Attention> {
    let config = MarketConfig::new(RateCurve::flat(0.04).expect("a curve"), symbol());
    let now = Timestamp::from_timestamp(1_795_190_000, 0).expect("an instant");
    let market = Board::default().view(now, &config);
    let (books, nothing) = (Containers::default(), Held::default());
    let shows = |_| true;
    let book =
        Book { now, books: &books, trades: &[], market: &market, risk: None, shows: &shows, held: &nothing };
    hedge(&book, portfolio, held)
}

#[test]
fn a_hedge_stays_until_the_limit_is_relieved_by_a_margin() {
    let mut held = Held::default();
    assert_eq!(told(&portfolio(0.79, 120.0), &mut held), None, "not near yet");
    assert!(told(&portfolio(0.81, 120.0), &mut held).is_some());
    assert!(told(&portfolio(0.78, 120.0), &mut held).is_some(), "still within the margin");
    assert_eq!(told(&portfolio(0.74, 120.0), &mut held), None);
    assert_eq!(told(&portfolio(0.78, 120.0), &mut held), None, "once it is over it has to be near again");
}

#[test]
fn a_hedge_stays_while_the_delta_is_at_the_edge_of_its_band() {
    let mut held = Held::default();
    assert_eq!(told(&portfolio(0.9, 99.0), &mut held), None);
    assert!(told(&portfolio(0.9, 101.0), &mut held).is_some());
    assert!(told(&portfolio(0.9, 99.0), &mut held).is_some());
    assert_eq!(told(&portfolio(0.9, 94.0), &mut held), None);
}

#[test]
fn a_hedge_that_is_not_live_any_more_says_so() {
    let mut held = Held::default();
    let live = told(&portfolio(0.9, 120.0), &mut held).expect("a row");
    assert_eq!(live.after.as_deref(), Some("βΔ +120 → +100 · L1 90 → 60 %"));
    let stale = Coverage { stale: 1, ..Coverage::default() };
    let mut cut = portfolio(0.5, 120.0);
    cut.total.coverage = stale;
    let row = told(&cut, &mut held).expect("it does not vanish");
    assert!(!live.stale && row.stale && row.key == live.key);
    assert!(row.why.contains("stale since 10:53"), "{}", row.why);
    assert_eq!(told(&cut, &mut Held::default()), None, "nothing is proposed on what is not live");
}
