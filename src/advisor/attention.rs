//! What to do, most urgent first: breaches with the cheapest hedge, expiries, dividends, exits, positions
//! without a home or a reason. What has called stays until it is well over, see `held`.

use chrono::Datelike;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::containers::Containers;
use crate::domain::text::signed;
use crate::domain::time::{days_to, new_york_date, to_new_york};
use crate::domain::{
    Leg, LimitState, Money, PortfolioId, Symbol, Timestamp, Trade, TradeId, TradingDate, label,
};
use crate::market::view::MarketView;
use crate::risk::hedging::{Band, HedgeProposal};
use crate::risk::limits::LimitReading;
use crate::risk::report::{PortfolioReport, RiskReport};

use super::exit_rules::ExitReading;
use super::held::{Held, HeldExit, HeldHedge};
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
        rows.extend(of_trade(book, trade, &mut held));
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
    let margin = INSIDE_BAND * (band.high - band.low) / 2.0;
    delta < band.low + margin || delta > band.high - margin
}

/// What was true last, marked as such.
fn not_live(row: Attention, at: Timestamp, now: Timestamp) -> Attention {
    let why = format!("{}; {}", row.why, since_words(at, now));
    let price = row.price.map(|price| if price.starts_with('~') { price } else { format!("~{price}") });
    Attention { price, why, stale: true, by_when: Some("once it is live".to_owned()), ..row }
}

/// "stale since 10:48"; with the day where that was not today.
pub fn since_words(at: Timestamp, now: Timestamp) -> String {
    let then = to_new_york(at);
    let words = if new_york_date(now) == then.date() { "%H:%M" } else { "%a %-d %b %H:%M" };
    format!("stale since {}", then.format(words))
}

fn hedge_row(book: &Book<'_>, portfolio: &PortfolioReport, hedge: &HedgeProposal) -> Attention {
    let spot = book.market.spot(&hedge.symbol).known().map(|spot| format!("{spot:.2}"));
    let used =
        hedge.beta_delta_after.map_or(String::new(), |part| format!(" · L1 measure {:.0} %", part * 100.0));
    let band = hedge.band;
    let (low, high) = (signed(band.low, 0), signed(band.high, 0));
    let why = format!("βΔ outside {low} to {high}; costs {:.2}", hedge.cost);
    let key = format!("hedge/{}", portfolio.name);
    Attention {
        portfolio: portfolio.id,
        underlying: Some(hedge.symbol.clone()),
        price: spot,
        after: Some(format!("βΔ {} → {}{used}", signed(hedge.before, 0), signed(hedge.after, 0))),
        by_when: Some("today".to_owned()),
        due: Some(new_york_date(book.now)),
        ..Attention::new(Urgency::Hedge, key, format!("{} shares", hedge.action), why)
    }
}

fn of_trade(book: &Book<'_>, trade: &TradeFacts<'_>, held: &mut Held) -> Vec<Attention> {
    let it = trade.trade;
    let name = format!("{} {}", it.underlying, trade.label);
    let row = |urgency: Urgency, action: String, why: String| Attention {
        portfolio: it.portfolio,
        trade: Some(it.id),
        underlying: Some(it.underlying.clone()),
        ..Attention::new(urgency, format!("{urgency:?}/{}", it.id), action, why)
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
    let price = price_to_close(trade);
    let mut rows: Vec<Attention> = close(book, trade, &row, price.as_ref(), held).into_iter().collect();
    if trade.dividend.is_some() {
        held.dividends.insert(it.id);
    } else {
        held.dividends.remove(&it.id);
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
    if it.portfolio.is_none() {
        let why = "no portfolio, the account has several: m routes it".to_owned();
        rows.push(row(Urgency::Route, name.clone(), why));
    }
    if it.rationale.is_none() {
        let since = date_words(new_york_date(it.opened_at), book.now);
        let why = format!("no rationale: n gives one; adopted from the broker, opened {since}");
        rows.push(row(Urgency::Rationale, name, why));
    }
    rows
}

/// One row for all that says "close it": the exit rule, and an expiry that comes near.
fn close(
    book: &Book<'_>,
    trade: &TradeFacts<'_>,
    row: &dyn Fn(Urgency, String, String) -> Attention,
    price: Option<&String>,
    held: &mut Held,
) -> Option<Attention> {
    let it = trade.trade;
    let name = format!("{} {}", it.underlying, trade.label);
    let keeps = |pnl: Money| format!("keeps {}", signed(pnl.to_f64(), 0));
    let open = trade.open.whole().known().copied().map(keeps);
    let expiry = expires(trade);
    let exit = trade.exit.as_ref();
    let kept = exit.and_then(|exit| exit.keeps).map(keeps);
    // As the picture before left it: what is no longer known is shown from there.
    let last = held.exits.get(&it.id).cloned();
    if let Some(exit) = exit {
        held.exit(it.id, &exit.profit, price, kept.as_ref(), book.now);
    }
    let was = exit.and_then(ExitReading::was_due);
    let was_words = was.map(|(why, at)| format!("{why}, {}", since_words(at, book.now)));
    let due = exit.and_then(ExitReading::due);
    let reasons: Vec<String> = [due.clone(), was_words].into_iter().flatten().collect();
    let by_when = expiry.as_ref().map(|(date, _)| date_words(*date, book.now));
    let place = Attention { due: trade.nearest_expiry, ..row(Urgency::Exit, String::new(), String::new()) };
    if reasons.is_empty() {
        let (_, threat) = expiry?;
        let action = format!("{name} expires in {} d", trade.days.unwrap_or_default());
        let expires =
            row(Urgency::Expiry, action, threat.unwrap_or_else(|| "out of the money now".to_owned()));
        // One key for both: the selection stays when the rule calls, too.
        return Some(Attention {
            key: place.key,
            price: price.cloned(),
            after: open,
            by_when,
            due: place.due,
            ..expires
        });
    }
    let stale = due.is_none();
    let threat = expiry.as_ref().and_then(|(_, threat)| threat.clone());
    let when = if stale { "once it is live" } else { "today" };
    let remembered = |now: Option<String>, then: fn(HeldExit) -> Option<String>| {
        now.or_else(|| last.clone().and_then(then))
    };
    Some(Attention {
        action: closing(trade, book.now),
        price: remembered(price.cloned(), |last| last.price.map(|price| format!("~{price}"))),
        after: remembered(kept, |last| last.keeps),
        why: reasons.into_iter().chain(threat).collect::<Vec<_>>().join("; "),
        by_when: Some(by_when.map_or_else(|| when.to_owned(), |date| format!("{when}, expires {date}"))),
        stale,
        rank: if expiry.is_some() { Urgency::Expiry } else { Urgency::Exit },
        ..place
    })
}

/// What is to be done, in lots. Shares stay where they are: their options are closed.
fn closing(trade: &TradeFacts<'_>, now: Timestamp) -> String {
    let it = trade.trade;
    let symbol = &it.underlying;
    let lots = trade.lots.abs().normalize();
    let options: Vec<&Leg> = it.legs.iter().filter(|leg| leg.instrument.option().is_some()).collect();
    match options.as_slice() {
        all if all.len() == it.legs.len() => format!("close {lots} {symbol} {}", trade.label),
        [only] => {
            let year = new_york_date(now).year();
            format!(
                "buy back {} {symbol} {}",
                only.quantity.abs().normalize(),
                label::leg(&only.instrument, year)
            )
        }
        _ => format!("close the options of {symbol} {}", trade.label),
    }
}

/// An expiry that is near, and what it threatens.
fn expires(trade: &TradeFacts<'_>) -> Option<(TradingDate, Option<String>)> {
    let expiry = trade.nearest_expiry.filter(|_| trade.days.is_some_and(|days| days <= EXPIRY_DAYS))?;
    let threat = match (&trade.assignment, trade.exercise) {
        (Some(threat), _) => {
            Some(format!("short {} is {:.2} in the money: assignment", threat.leg, threat.in_the_money))
        }
        (None, Some(by)) => Some(format!("{by:.2} in the money: exercised or cash-settled")),
        (None, None) => None,
    };
    Some((expiry, threat))
}

/// The mark, to the cent.
fn price_to_close(trade: &TradeFacts<'_>) -> Option<String> {
    let mark = trade.mark.known()?.to_cents();
    let stale = if trade.mark.is_live() { "" } else { "~" };
    Some(format!("{stale}{mark:.2}"))
}

fn date_words(date: TradingDate, now: Timestamp) -> String {
    match days_to(date, now) {
        0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        _ => format!("{} {}", date.format("%a"), label::short_date(date, new_york_date(now).year())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::LimitId;
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
        let id = PortfolioId::from_key("core");
        let band = Band::around_zero(100.0);
        let hedge = HedgeProposal {
            symbol: symbol(),
            shares: -20,
            cost: 0.2,
            before: delta,
            after: 100.0,
            band,
            beta_delta_after: None,
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
                measure: Some(used),
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
        let book = Book {
            now,
            books: &books,
            trades: &[],
            market: &market,
            risk: None,
            shows: &shows,
            held: &nothing,
        };
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
        let stale = Coverage { stale: 1, ..Coverage::default() };
        let mut cut = portfolio(0.5, 120.0);
        cut.total.coverage = stale;
        let row = told(&cut, &mut held).expect("it does not vanish");
        assert!(!live.stale && row.stale && row.key == live.key);
        assert!(row.why.contains("stale since 10:53"), "{}", row.why);
        assert_eq!(told(&cut, &mut Held::default()), None, "nothing is proposed on what is not live");
    }
}
