//! What to do, most urgent first: breaches with the cheapest hedge, expiries, dividends, exits, positions
//! without a home or a reason. What has called stays until it is well over, see `held`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::containers::Containers;
use crate::domain::text::signed;
use crate::domain::time::{new_york_date, to_new_york};
use crate::domain::{LimitId, LimitState, PortfolioId, Symbol, Timestamp, Trade, TradeId, TradingDate};
use crate::market::view::MarketView;
use crate::risk::hedging::{Band, HedgeProposal};
use crate::risk::limits::LimitReading;
use crate::risk::report::{PortfolioReport, RiskReport};

use super::held::{Held, HeldHedge};
use super::trade_facts::TradeFacts;

mod trades;

/// Why a row is there; the first is the most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Nobody knows whether an order of the trade is at the broker.
    Unknown,
    /// An order ended with some legs filled and others not: what is held is not what was judged.
    Rescue,
    /// The kill switch is hard: what is open is to be closed.
    Flatten,
    /// An exit that rested at the broker is gone while the trade is open.
    Unguarded,
    /// A limit is breached or data needed for it is missing.
    Breach,
    Hedge,
    Expiry,
    Dividend,
    Exit,
    /// A position without a portfolio.
    Route,
    /// A trade without a rationale.
    Rationale,
    /// A WhatIf waiting for a decision.
    WhatIf,
}

impl Urgency {
    pub fn tag(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Rescue => "RESCUE",
            Self::Flatten => "FLATTEN",
            Self::Unguarded => "NO EXIT",
            Self::Breach => "BREACH",
            Self::Hedge => "HEDGE",
            Self::Expiry => "EXPIRY",
            Self::Dividend => "EX-DIV",
            Self::Exit => "EXIT",
            Self::Route => "ROUTE",
            Self::Rationale => "WHY?",
            Self::WhatIf => "WHATIF",
        }
    }
}

/// One row of the blotter.
#[derive(Debug, Clone, PartialEq)]
pub struct Attention {
    pub urgency: Urgency,
    /// Stable while the matter is the same.
    pub key: String,
    pub portfolio: Option<PortfolioId>,
    pub trade: Option<TradeId>,
    pub underlying: Option<Symbol>,
    pub action: String,
    pub price: Option<String>,
    pub after: Option<String>,
    pub why: String,
    pub by_when: Option<String>,
    /// Called when it was last known, and is not known now.
    pub stale: bool,
    /// The most urgent of its reasons: it stands in the place of that one.
    rank: Urgency,
    /// Sooner first, within a rank.
    due: Option<TradingDate>,
}

impl Attention {
    /// A row with nothing but its reason.
    fn new(urgency: Urgency, key: String, action: String, why: String) -> Self {
        Self {
            urgency,
            key,
            portfolio: None,
            trade: None,
            underlying: None,
            action,
            price: None,
            after: None,
            why,
            by_when: None,
            stale: false,
            rank: urgency,
            due: None,
        }
    }
}

/// A limit that pressed counts as relieved this far below the point at which it is near.
const RELIEVED_BELOW: f64 = 0.75;
/// A delta is safely back in its band when it is this share of the half-width inside.
const INSIDE_BAND: f64 = 0.05;

pub struct Book<'a> {
    pub now: Timestamp,
    pub books: &'a Containers,
    pub trades: &'a [TradeFacts<'a>],
    pub market: &'a MarketView,
    pub risk: Option<&'a RiskReport>,
    /// Whose limits and hedges are on the screen.
    pub shows: &'a dyn Fn(Option<PortfolioId>) -> bool,
    /// What called in the picture before.
    pub held: &'a Held,
}

/// The rows, and what the next picture has to know of them.
pub fn rows(book: &Book<'_>) -> (Vec<Attention>, Held) {
    let mut held = book.held.clone();
    held.retain(
        |id| book.books.trades.get(&id).is_some_and(Trade::is_open),
        |id| book.books.portfolios.contains_key(&id),
    );
    let mut rows = Vec::new();
    for portfolio in book.risk.iter().flat_map(|risk| &risk.portfolios) {
        let hedge = hedge(book, portfolio, &mut held);
        if (book.shows)(portfolio.id) {
            rows.extend(limits(book, portfolio));
            rows.extend(hedge);
        }
    }
    for trade in book.trades {
        rows.extend(trades::of_trade(book, trade, &mut held));
    }
    rows.sort_by(|a, b| {
        let due = |row: &Attention| row.due.unwrap_or(TradingDate::MAX);
        a.rank.cmp(&b.rank).then(due(a).cmp(&due(b))).then_with(|| a.key.cmp(&b.key))
    });
    (rows, held)
}

fn limits(book: &Book<'_>, portfolio: &PortfolioReport) -> Vec<Attention> {
    let mut rows = Vec::new();
    for reading in &portfolio.limits {
        let action = match reading.state {
            LimitState::Breached => format!("{} is over its limit", reading.id.words()),
            LimitState::Unknown => format!("{} is not known", reading.id.words()),
            _ => continue,
        };
        let why = match (&reading.unknown, reading.utilisation) {
            (Some(unknown), _) => unknown.clone(),
            (None, Some(used)) => {
                let most = reading.driver().map_or(String::new(), |symbol| format!(", {symbol} most"));
                format!("{:.0} % of the limit{most}", used * 100.0)
            }
            (None, None) => "the limit is zero".to_owned(),
        };
        let key = format!("limit/{}/{:?}", portfolio.name, reading.id);
        rows.push(Attention {
            portfolio: portfolio.id,
            underlying: reading.driver().cloned(),
            by_when: Some("now".to_owned()),
            due: Some(new_york_date(book.now)),
            ..Attention::new(Urgency::Breach, key, action, why)
        });
    }
    rows
}

/// A limit that is breached or near gets the cheapest hedge beside it. Where no portfolio is short of room
/// there is nothing to hedge, whatever the delta.
fn hedge(book: &Book<'_>, portfolio: &PortfolioReport, held: &mut Held) -> Option<Attention> {
    let id = portfolio.id?;
    let before = held.hedges.get(&id);
    // A hedge is proposed on a live picture only; an older proposal says that it is one.
    let unknown = portfolio.limits.iter().any(|reading| reading.state == LimitState::Unknown);
    if portfolio.total.coverage.stale > 0 || unknown {
        return before.map(|hedge| not_live(hedge.row.clone(), hedge.at, book.now));
    }
    let presses = |reading: &LimitReading| match reading.state {
        LimitState::Near | LimitState::Breached => true,
        _ => before.is_some() && reading.utilisation.is_some_and(|used| used > RELIEVED_BELOW),
    };
    let proposed = portfolio.hedges.first().map(|hedge| (hedge.band, hedge_row(book, portfolio, hedge)));
    let edge =
        || before.filter(|hedge| at_the_edge(hedge.band, portfolio)).map(|it| (it.band, it.row.clone()));
    let row = proposed.or_else(edge).filter(|_| portfolio.limits.iter().any(presses));
    let Some((band, row)) = row else {
        held.hedges.remove(&id);
        return None;
    };
    held.hedges.insert(id, HeldHedge { row: row.clone(), band, at: book.now });
    Some(row)
}

/// Inside the band again, but by a hair: the next tick may bring it out.
fn at_the_edge(band: Band, portfolio: &PortfolioReport) -> bool {
    let delta = portfolio.total.beta_weighted_delta;
    let margin = 0.5 * INSIDE_BAND * (band.high - band.low);
    delta < band.low + margin || delta > band.high - margin
}

/// What was true last, marked as such.
fn not_live(row: Attention, at: Timestamp, now: Timestamp) -> Attention {
    let why = format!("{}: {}", since_words(at, now), row.why);
    let price = row.price.map(|price| if price.starts_with('~') { price } else { format!("~{price}") });
    Attention { price, why, stale: true, by_when: None, ..row }
}

/// "stale since 10:48"; with the day where that was not today.
pub fn since_words(at: Timestamp, now: Timestamp) -> String {
    let then = to_new_york(at);
    let words = if new_york_date(now) == then.date() { "%H:%M" } else { "%a %-d %b %H:%M" };
    format!("stale since {}", then.format(words))
}

fn hedge_row(book: &Book<'_>, portfolio: &PortfolioReport, hedge: &HedgeProposal) -> Attention {
    let spot = book.market.spot(&hedge.symbol).known().map(|spot| format!("{spot:.2}"));
    let l1 = portfolio.limits.iter().find(|reading| reading.id == LimitId::L1);
    let used = l1
        .and_then(|l1| {
            Some((l1.utilisation?, hedge.beta_delta_after? / l1.limit.filter(|limit| *limit > 0.0)?))
        })
        .map_or(String::new(), |(now, then)| format!(" · L1 {:.0} → {:.0} %", now * 100.0, then * 100.0));
    let band = hedge.band;
    let (low, high) = (signed(band.low.0, 0), signed(band.high.0, 0));
    let why = format!("βΔ outside {low} to {high}; costs {:.2}", hedge.cost.0);
    let key = format!("hedge/{}", portfolio.name);
    Attention {
        portfolio: portfolio.id,
        underlying: Some(hedge.symbol.clone()),
        price: spot,
        after: Some(format!("βΔ {} → {}{used}", signed(hedge.before.0, 0), signed(hedge.after.0, 0))),
        by_when: Some("today".to_owned()),
        due: Some(new_york_date(book.now)),
        ..Attention::new(Urgency::Hedge, key, format!("{} shares", hedge.action), why)
    }
}

#[cfg(test)]
mod tests;
