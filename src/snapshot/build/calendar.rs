//! What the calendar holds for this book: short and closed days, own expiries, ex-dates, earnings, meetings and
//! releases; and where the lists of dates end.

use std::collections::BTreeMap;

use super::Facts;
use crate::domain::time::new_york_date;
use crate::domain::{Symbol, Trade, TradingDate};
use crate::market::calendar::SpecialKind;
use crate::market::events::{EventSchedule, NextEvent, Reach};
use crate::snapshot::market::{CalendarItem, DatedEvent, DatedKind};

/// The calendar looks this far ahead for the whole market, and as far as the last expiry for dated events.
const HORIZON_DAYS: i64 = 35;
const ITEMS: usize = 12;

pub(super) fn items(facts: &Facts<'_>, held: &[Symbol]) -> Vec<CalendarItem> {
    let today = new_york_date(facts.now);
    let near = today + chrono::TimeDelta::days(HORIZON_DAYS);
    let expiries = expiries(facts);
    let far = expiries.keys().copied().last().map_or(near, |last| last.max(near));
    let mut words: BTreeMap<TradingDate, Vec<String>> = BTreeMap::new();
    let mut note = |date: TradingDate, text: String| words.entry(date).or_default().push(text);
    for day in facts.market.calendar().special_days(today, 4) {
        if day.date <= near {
            note(
                day.date,
                match day.kind {
                    SpecialKind::Closed => "closed".to_owned(),
                    SpecialKind::EarlyClose => "to 13:00".to_owned(),
                },
            );
        }
    }
    for (date, count) in expiries {
        if date >= today && date <= near {
            note(date, format!("{count} of yours {}", if count == 1 { "expires" } else { "expire" }));
        }
    }
    let mut undated: Vec<&str> = Vec::new();
    for symbol in held {
        if let Some(dividend) = facts.market.next_dividend(symbol)
            && dividend.ex_date >= today
            && dividend.ex_date <= near
        {
            let estimated = if dividend.estimated { "e" } else { "" };
            note(dividend.ex_date, format!("{symbol} ex-div {:.2}{estimated}", dividend.amount));
        }
        match facts.market.next_earnings(symbol) {
            NextEvent::On(date) if date <= far => note(date, format!("{symbol} earnings")),
            NextEvent::NoneUntil(known) if known < far => {
                note(known, format!("{symbol} earnings unknown after"));
            }
            NextEvent::Unknown => undated.push(symbol.as_str()),
            NextEvent::On(_) | NextEvent::NoneUntil(_) | NextEvent::Never => {}
        }
    }
    if !undated.is_empty() {
        note(today, format!("earnings unknown: {}", counted(&undated)));
    }
    for (name, time, list) in macro_events(facts) {
        let end = match list.reach(today, far) {
            Reach::Whole => None,
            Reach::UnknownAfter(known) => Some(known),
            Reach::Nothing => {
                note(today, format!("{name} dates unknown"));
                continue;
            }
        };
        for date in list.between(today, far).filter(|date| Some(*date) != end) {
            note(date, format!("{name} {time}"));
        }
        if let Some(end) = end {
            let falls = list.between(end, end).next().is_some();
            note(
                end,
                if falls {
                    format!("{name} {time} (unknown after)")
                } else {
                    format!("{name} unknown after")
                },
            );
        }
    }
    words
        .into_iter()
        .take(ITEMS)
        .map(|(date, words)| CalendarItem { date, words: words.join(", ") })
        .collect()
}

/// The first names, and how many more.
fn counted(names: &[&str]) -> String {
    let (shown, more) = names.split_at(names.len().min(3));
    let more = if more.is_empty() { String::new() } else { format!(", +{}", more.len()) };
    format!("{}{more}", shown.join(", "))
}

fn macro_events<'a>(facts: &Facts<'a>) -> [(&'static str, &'static str, &'a EventSchedule); 2] {
    let events = &facts.market.config().events;
    [("FOMC", "14:00", &events.fomc), ("CPI", "08:30", &events.cpi)]
}

pub(super) fn events(facts: &Facts<'_>, held: &[Symbol]) -> Vec<DatedEvent> {
    let today = new_york_date(facts.now);
    let tables = &facts.market.config().events;
    let listed = |kind, list: &EventSchedule| DatedEvent {
        kind,
        symbol: None,
        next: list.next(today).date(),
        unknown_after: list.unknown_after().filter(|known| *known >= today),
    };
    let mut events = vec![listed(DatedKind::Fomc, &tables.fomc), listed(DatedKind::Cpi, &tables.cpi)];
    for symbol in held {
        let (next, unknown_after) = match facts.market.next_earnings(symbol) {
            NextEvent::Never => continue,
            NextEvent::On(date) => {
                // A broker names the next report and none after it.
                let listed = tables.earnings.get(symbol).and_then(EventSchedule::unknown_after);
                (Some(date), Some(listed.map_or(date, |known| known.max(date))))
            }
            NextEvent::NoneUntil(known) => (None, Some(known)),
            NextEvent::Unknown => (None, None),
        };
        events.push(DatedEvent {
            kind: DatedKind::Earnings,
            symbol: Some(symbol.clone()),
            next,
            unknown_after,
        });
    }
    events
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
