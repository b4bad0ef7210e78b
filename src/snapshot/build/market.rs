//! Panel 1 from the market: quotes, term structure, ranks, and what the calendar holds for this book.

use std::collections::BTreeMap;

use super::Facts;
use crate::domain::time::new_york_date;
use crate::domain::{Symbol, Trade, TradingDate};
use crate::market::calendar::SpecialKind;
use crate::market::events::NextEvent;
use crate::snapshot::market::{CalendarItem, IvRank, MarketPanel, MarketQuote, TermState};
use crate::snapshot::{Shown, Standing};

/// The calendar looks this far ahead for the whole market, and as far as the last expiry for holdings.
const HORIZON_DAYS: i64 = 35;
const ITEMS: usize = 12;

pub(super) fn panel(facts: &Facts<'_>, held: &[Symbol]) -> MarketPanel {
    let market = facts.market;
    let symbol = |text: &str| Symbol::new(text).ok();
    let spot = |text: &str| symbol(text).map_or(Shown::unknown(), |s| market.spot(&s).into());
    let (vix, vix3m): (Shown<f64>, Shown<f64>) = (spot("VIX"), spot("VIX3M"));
    let ratio = both(vix, vix3m, |a, b| a / b);
    let vix_change = symbol("VIX").map_or(Shown::unknown(), |vix| {
        let close = market.previous_close(&crate::domain::Instrument::Index(vix.clone()));
        match close {
            Some(close) => Shown::from(market.spot(&vix)).map(|now: f64| now - close.to_f64()),
            None => Shown::unknown(),
        }
    });
    let quotes = facts
        .context
        .iter()
        .filter(|symbol| !matches!(symbol.as_str(), "VIX" | "VIX3M"))
        .map(|symbol| quote(facts, symbol))
        .collect();
    MarketPanel {
        quotes,
        vix,
        vix_change,
        vix3m,
        term_ratio: ratio,
        term_state: term_state(ratio),
        vol_premium: vol_premium(facts),
        iv_ranks: ranks(facts, held),
        rate_3m: Some(market.rate(91.0 / 365.0)),
        calendar: calendar(facts, held),
    }
}

fn both(a: Shown<f64>, b: Shown<f64>, f: impl FnOnce(f64, f64) -> f64) -> Shown<f64> {
    match (a.value, b.value) {
        (Some(x), Some(y)) => {
            let live = a.standing == Standing::Live && b.standing == Standing::Live;
            Shown::of(Some(f(x, y)), if live { Standing::Live } else { Standing::Stale })
        }
        _ => Shown::unknown(),
    }
}

fn term_state(ratio: Shown<f64>) -> TermState {
    match ratio.value {
        None => TermState::Unknown,
        Some(r) if r < 0.95 => TermState::Contango,
        Some(r) if r <= 1.0 => TermState::Flat,
        Some(_) => TermState::Backwardation,
    }
}

fn quote(facts: &Facts<'_>, symbol: &Symbol) -> MarketQuote {
    let market = facts.market;
    let sigma = market.iv30(symbol).map(|iv| iv.value * 100.0 / 252f64.sqrt());
    MarketQuote {
        symbol: symbol.clone(),
        last: market.spot(symbol).into(),
        change_percent: Shown::from(market.day_change(symbol)).map(|change: f64| change * 100.0),
        sigma_percent: Shown::of(sigma, facts.slow()),
    }
}

fn vol_premium(facts: &Facts<'_>) -> Shown<f64> {
    let benchmark = facts.market.benchmark();
    let implied = facts.market.iv30(benchmark).map(|iv| iv.value);
    let realised = facts.market.rv20(benchmark);
    let points = implied.zip(realised).map(|(iv, rv)| (iv - rv) * 100.0);
    Shown::of(points, facts.slow())
}

/// The benchmark first, then what is held, richest first.
fn ranks(facts: &Facts<'_>, held: &[Symbol]) -> Vec<IvRank> {
    let rank = |symbol: &Symbol| facts.market.metrics(symbol).and_then(|metrics| metrics.iv_rank);
    let benchmark = facts.market.benchmark();
    let mut others: Vec<(&Symbol, f64)> = held
        .iter()
        .filter(|symbol| *symbol != benchmark)
        .filter_map(|symbol| Some((symbol, rank(symbol)?)))
        .collect();
    others.sort_by(|a, b| b.1.total_cmp(&a.1));
    let first = rank(benchmark).map(|r| (benchmark, r));
    first
        .into_iter()
        .chain(others)
        .map(|(symbol, rank)| IvRank {
            symbol: symbol.clone(),
            rank: Shown::of(Some(rank * 100.0), facts.slow()),
        })
        .collect()
}

fn calendar(facts: &Facts<'_>, held: &[Symbol]) -> Vec<CalendarItem> {
    let today = new_york_date(facts.now);
    let until = today + chrono::TimeDelta::days(HORIZON_DAYS);
    let mut words: BTreeMap<TradingDate, Vec<String>> = BTreeMap::new();
    let mut note = |date: TradingDate, text: String| words.entry(date).or_default().push(text);
    for day in facts.market.calendar().special_days(today, 4) {
        if day.date <= until {
            note(
                day.date,
                match day.kind {
                    SpecialKind::Closed => "closed".to_owned(),
                    SpecialKind::EarlyClose => "to 13:00".to_owned(),
                },
            );
        }
    }
    for (date, count) in expiries(facts) {
        if date >= today && date <= until {
            note(date, format!("{count} of yours {}", if count == 1 { "expires" } else { "expire" }));
        }
    }
    for symbol in held {
        if let Some(dividend) = facts.market.next_dividend(symbol)
            && dividend.ex_date >= today
            && dividend.ex_date <= until
        {
            let estimated = if dividend.estimated { "e" } else { "" };
            note(dividend.ex_date, format!("{symbol} ex-div {:.2}{estimated}", dividend.amount));
        }
        if let NextEvent::On(date) = facts.market.next_earnings(symbol)
            && date <= until
        {
            note(date, format!("{symbol} earnings"));
        }
    }
    let events = &facts.market.config().events;
    for (name, time, next) in
        [("FOMC", "14:00", events.fomc.next(today)), ("CPI", "08:30", events.cpi.next(today))]
    {
        match next {
            NextEvent::On(date) if date <= until => note(date, format!("{name} {time}")),
            NextEvent::Unknown => note(until, format!("{name} dates unknown")),
            _ => {}
        }
    }
    words
        .into_iter()
        .take(ITEMS)
        .map(|(date, words)| CalendarItem { date, words: words.join(", ") })
        .collect()
}

/// Trades, not legs, by expiry.
fn expiries(facts: &Facts<'_>) -> BTreeMap<TradingDate, usize> {
    let mut counts = BTreeMap::new();
    for trade in facts.books.trades.values().filter(|trade| (facts.counted)(trade)) {
        let mut dates: Vec<TradingDate> = expiries_of(trade).collect();
        dates.sort_unstable();
        dates.dedup();
        for date in dates {
            *counts.entry(date).or_insert(0) += 1;
        }
    }
    counts
}

fn expiries_of(trade: &Trade) -> impl Iterator<Item = TradingDate> {
    trade.legs.iter().filter_map(|leg| leg.instrument.option().map(|option| option.expiry))
}

/// The next thing that concerns an underlying: its own expiry, ex-date or earnings.
pub(super) fn next_event(facts: &Facts<'_>, symbol: &Symbol) -> Option<String> {
    let today = new_york_date(facts.now);
    let year = facts.year();
    let date_words = |date| crate::domain::label::short_date(date, year);
    let expiry = facts
        .books
        .trades
        .values()
        .filter(|trade| (facts.counted)(trade) && trade.underlying == *symbol)
        .flat_map(expiries_of)
        .filter(|date| *date >= today)
        .min()
        .map(|date| (date, format!("exp {}", date_words(date))));
    let dividend = facts.market.next_dividend(symbol).map(|dividend| {
        let estimated = if dividend.estimated { "e" } else { "" };
        (
            dividend.ex_date,
            format!("ex-div {} {:.2}{estimated}", date_words(dividend.ex_date), dividend.amount),
        )
    });
    let earnings = facts
        .market
        .next_earnings(symbol)
        .date()
        .map(|date| (date, format!("earnings {}", date_words(date))));
    [expiry, dividend, earnings].into_iter().flatten().min_by_key(|(date, _)| *date).map(|(_, words)| words)
}
