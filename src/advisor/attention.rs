//! What to do, most urgent first: breaches with the cheapest hedge, expiries, dividends, exits, positions
//! without a home or a reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::containers::Containers;
use crate::domain::text::signed;
use crate::domain::time::{days_to, new_york_date};
use crate::domain::{LimitState, PortfolioId, Symbol, Timestamp, TradeId, TradingDate, label};
use crate::market::view::MarketView;
use crate::risk::hedging::HedgeProposal;
use crate::risk::report::{PortfolioReport, RiskReport};

use super::trade_facts::{EXPIRY_DAYS, TradeFacts};

/// Why a row is there; the first is the most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
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
    /// Sooner first, within a kind.
    due: Option<TradingDate>,
}

pub struct Book<'a> {
    pub now: Timestamp,
    pub books: &'a Containers,
    pub trades: &'a [TradeFacts<'a>],
    pub market: &'a MarketView,
    pub risk: Option<&'a RiskReport>,
    /// Whose limits and hedges are on the screen.
    pub shows: &'a dyn Fn(Option<PortfolioId>) -> bool,
}

pub fn rows(book: &Book<'_>) -> Vec<Attention> {
    let mut rows = Vec::new();
    let shown = book.risk.iter().flat_map(|risk| &risk.portfolios);
    for portfolio in shown.filter(|portfolio| (book.shows)(portfolio.id)) {
        rows.extend(limits(book, portfolio));
    }
    for trade in book.trades {
        rows.extend(of_trade(book, trade));
    }
    rows.sort_by(|a, b| {
        let due = |row: &Attention| row.due.unwrap_or(TradingDate::MAX);
        a.urgency.cmp(&b.urgency).then(due(a).cmp(&due(b))).then_with(|| a.key.cmp(&b.key))
    });
    rows
}

/// A limit that is breached or near gets the cheapest hedge beside it. Where no portfolio is short of room
/// there is nothing to hedge, whatever the delta.
fn limits(book: &Book<'_>, portfolio: &PortfolioReport) -> Vec<Attention> {
    let mut rows = Vec::new();
    let pressed = |state| matches!(state, LimitState::Near | LimitState::Breached);
    for reading in &portfolio.limits {
        let (urgency, action) = match reading.state {
            LimitState::Breached => (Urgency::Breach, format!("{} is over its limit", reading.id.words())),
            LimitState::Unknown => (Urgency::Breach, format!("{} is not known", reading.id.words())),
            _ => continue,
        };
        rows.push(Attention {
            urgency,
            key: format!("limit/{}/{:?}", portfolio.name, reading.id),
            portfolio: portfolio.id,
            trade: None,
            underlying: reading.driver().cloned(),
            action,
            price: None,
            after: None,
            why: match (&reading.unknown, reading.utilisation) {
                (Some(unknown), _) => unknown.clone(),
                (None, Some(used)) => {
                    let most = reading.driver().map_or(String::new(), |symbol| format!(", {symbol} most"));
                    format!("{:.0} % of the limit{most}", used * 100.0)
                }
                (None, None) => "the limit is zero".to_owned(),
            },
            by_when: Some("now".to_owned()),
            due: Some(new_york_date(book.now)),
        });
    }
    // A hedge is proposed on a live picture only.
    if portfolio.limits.iter().any(|reading| pressed(reading.state))
        && portfolio.total.coverage.stale == 0
        && let Some(hedge) = portfolio.hedges.first()
    {
        rows.push(hedge_row(book, portfolio, hedge));
    }
    rows
}

fn hedge_row(book: &Book<'_>, portfolio: &PortfolioReport, hedge: &HedgeProposal) -> Attention {
    let spot = book.market.spot(&hedge.symbol).known().map(|spot| format!("{spot:.2}"));
    let used =
        hedge.beta_delta_after.map_or(String::new(), |part| format!(" · L1 measure {:.0} %", part * 100.0));
    Attention {
        urgency: Urgency::Hedge,
        key: format!("hedge/{}", portfolio.name),
        portfolio: portfolio.id,
        trade: None,
        underlying: Some(hedge.symbol.clone()),
        action: format!("{} shares", hedge.action),
        price: spot,
        after: Some(format!("βΔ {} → {}{used}", signed(hedge.before, 0), signed(hedge.after, 0))),
        why: format!("βΔ outside {:+.0} to {:+.0}; costs {:.2}", hedge.band.low, hedge.band.high, hedge.cost),
        by_when: Some("today".to_owned()),
        due: Some(new_york_date(book.now)),
    }
}

fn of_trade(book: &Book<'_>, trade: &TradeFacts<'_>) -> Vec<Attention> {
    let it = trade.trade;
    let name = format!("{} {}", it.underlying, trade.label);
    let row = |urgency: Urgency, action: String, why: String| Attention {
        urgency,
        key: format!("{urgency:?}/{}", it.id),
        portfolio: it.portfolio,
        trade: Some(it.id),
        underlying: Some(it.underlying.clone()),
        action,
        price: None,
        after: None,
        why,
        by_when: None,
        due: None,
    };
    if it.is_what_if() {
        let why = it
            .evaluation
            .as_ref()
            .map_or_else(|| "not evaluated".to_owned(), crate::booking::evaluate::verdict_words);
        let price = trade.entry.map(|price| format!("{:.2}", price.to_cents()));
        return vec![Attention { price, ..row(Urgency::WhatIf, format!("WhatIf {name}"), why) }];
    }
    if !it.is_open() {
        return Vec::new();
    }
    let mut rows = Vec::new();
    let price = price_to_close(trade);
    let keeps = trade.open.whole().known().map(|pnl| format!("keeps {}", signed(pnl.to_f64(), 0)));
    if let (Some(expiry), Some(days)) = (trade.nearest_expiry, trade.days)
        && days <= EXPIRY_DAYS
    {
        let threat = match (&trade.assignment, trade.exercise) {
            (Some(threat), _) => {
                format!("short {} is {:.2} in the money: assignment", threat.leg, threat.in_the_money)
            }
            (None, Some(by)) => format!("{by:.2} in the money: exercised or cash-settled"),
            (None, None) => "out of the money now".to_owned(),
        };
        rows.push(Attention {
            price: price.clone(),
            after: keeps,
            by_when: Some(date_words(expiry, book.now)),
            due: Some(expiry),
            ..row(Urgency::Expiry, format!("{name} expires in {days} d"), threat)
        });
    }
    if let Some(threat) = &trade.dividend {
        let estimated = if threat.estimated { " (estimated)" } else { "" };
        let left = threat.time_value.map_or_else(
            || "its time value is unknown".to_owned(),
            |value| format!("its time value is {value:.2}"),
        );
        let eve = book.market.calendar().previous_session(threat.ex_date);
        rows.push(Attention {
            price: price.clone(),
            by_when: Some(format!("before the close of {}", date_words(eve, book.now))),
            due: Some(eve),
            ..row(
                Urgency::Dividend,
                format!("{}: short {} may be exercised", it.underlying, threat.call),
                format!("dividend {:.2}{estimated}, {left}", threat.amount),
            )
        });
    }
    if let Some((exit, due)) = trade.exit.as_ref().and_then(|exit| Some((exit, exit.due.clone()?))) {
        let covered = it.legs.iter().any(|leg| leg.instrument.option().is_none());
        let close = if covered { "buy back the option of" } else { "close" };
        rows.push(Attention {
            price: price.clone(),
            after: exit.keeps.map(|pnl| format!("keeps {}", signed(pnl.to_f64(), 0))),
            by_when: Some("today".to_owned()),
            due: trade.nearest_expiry,
            ..row(Urgency::Exit, format!("{close} {name}"), due)
        });
    }
    if it.portfolio.is_none() {
        let why = "the account has several portfolios: m routes it".to_owned();
        rows.push(row(Urgency::Route, format!("{name} has no portfolio"), why));
    }
    if it.rationale.is_none() {
        let since = date_words(new_york_date(it.opened_at), book.now);
        let why = format!("adopted from the broker, opened {since}: n");
        rows.push(row(Urgency::Rationale, format!("{name} has no rationale"), why));
    }
    rows
}

/// The mark, to the cent.
fn price_to_close(trade: &TradeFacts<'_>) -> Option<String> {
    let mark = trade.mark.known()?.to_cents();
    let stale = if trade.mark.is_live() { "" } else { "~" };
    Some(format!("{stale}{mark:.2}"))
}

fn date_words(date: TradingDate, now: Timestamp) -> String {
    use chrono::Datelike;
    match days_to(date, now) {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        _ => format!("{} {}", date.format("%a"), label::short_date(date, new_york_date(now).year())),
    }
}
