//! The header line and the freshness block.

use super::Facts;
use crate::advisor::trade_facts::TradeFacts;
use crate::domain::report::SessionState;
use crate::domain::time::{new_york_date, to_new_york};
use crate::domain::view::{Counts, Scope};
use crate::domain::{Instrument, LimitState, Reading};
use crate::market::update::{Link, LinkState};
use crate::snapshot::header::LinkKind;
use crate::snapshot::{BlotterRow, Freshness, Header, LimitRow, LinkView};

pub(super) fn header(facts: &Facts<'_>, limits: &[LimitRow], blotter: &[BlotterRow]) -> Header {
    let session = facts.session.unwrap_or_else(|| facts.market.session());
    // The broker states sessions when it is read; the calendar knows when that is over.
    let own = facts.market.session();
    let state = if session.close_at == own.close_at { own.state } else { session.state };
    let until =
        if state == SessionState::Open { session.close_at.or(own.close_at) } else { own.next_open_at };
    let state_of = |wanted: LimitState| {
        limits.iter().filter(|limit| limit.state == wanted && facts.answers_for_limit(limit)).count()
    };
    Header {
        scope: scope(facts),
        exchange_time: to_new_york(facts.now),
        session: state,
        session_until: until,
        seconds_left: until.map(|until| (until - facts.now).num_seconds().max(0)),
        early_close: facts.market.calendar().is_early_close(new_york_date(facts.now)),
        link: link(facts),
        streaming: facts.streaming,
        refreshing: facts.refreshing,
        computing: facts.computing,
        what_ifs: facts.books.trades.values().filter(|trade| trade.is_meant()).count(),
        what_ifs_counted: facts.view.counts == Counts::WhatIf,
        unknown: facts.books.live_orders().filter(|order| order.is_unknown()).count(),
        working: facts.books.live_orders().filter(|order| !order.is_unknown()).count(),
        working_counted: facts.view.counts >= Counts::Working,
        read_only: facts.read_only.map(ToString::to_string),
        read_only_remedy: facts.read_only.map(|why| why.remedy().to_owned()),
        safety: facts.safety.clone(),
        breaches: state_of(LimitState::Breached) + state_of(LimitState::Unknown),
        near: state_of(LimitState::Near),
        limits_known: facts.risk.is_some() && facts.last_refresh.is_some(),
        to_do: blotter.iter().filter(|row| row.to_do).count(),
        banner: facts.banner.map(str::to_owned),
    }
}

pub(super) fn scope(facts: &Facts<'_>) -> String {
    match facts.view.scope {
        Scope::AllReal => "all real".to_owned(),
        Scope::Unassigned => "unassigned".to_owned(),
        Scope::Portfolio(id) => {
            facts.books.portfolio(id).map_or_else(|| "?".to_owned(), |portfolio| portfolio.name.clone())
        }
    }
}

fn link(facts: &Facts<'_>) -> LinkView {
    let account_stream_up = matches!(facts.links.get(&Link::AccountStream), Some(LinkState::Up { .. }));
    let rest_down = match facts.links.get(&Link::Rest) {
        Some(LinkState::Down { why, .. }) => Some(why.clone()),
        _ => None,
    };
    let age = facts.link_age.map(|seconds| seconds as f64);
    let since_refresh = facts.last_refresh.map(|at| (facts.now - at).num_milliseconds() as f64 / 1000.0);
    let (kind, why, age_seconds) = if facts.streaming {
        match facts.links.get(&Link::MarketStream) {
            Some(LinkState::Up { .. }) if facts.market.stream_is_live() => (LinkKind::Live, None, age),
            Some(LinkState::Up { .. }) if let Some(seconds) = facts.market.canary_silent() => {
                let why = format!("nothing of {} comes any more", facts.market.benchmark());
                (LinkKind::Quiet, Some(why), Some(seconds as f64))
            }
            Some(LinkState::Up { .. }) => (LinkKind::Down, Some("silent".to_owned()), age),
            Some(LinkState::Silent { .. }) => {
                (LinkKind::Quiet, Some("the broker does not answer".to_owned()), age)
            }
            Some(LinkState::Down { why, retry_in_ms }) => {
                let retry = retry_in_ms.map(|ms| format!("; again in {:.0} s", ms as f64 / 1000.0));
                (LinkKind::Down, Some(format!("{why}{}", retry.unwrap_or_default())), age)
            }
            Some(LinkState::Refused { why }) => (LinkKind::Refused, Some(why.clone()), None),
            Some(LinkState::Connecting { .. } | LinkState::Off) | None => {
                let lost = facts.trouble.get(&Link::MarketStream).map(|why| format!("{why}; trying now"));
                let why = lost.or(rest_down);
                (if why.is_some() { LinkKind::Down } else { LinkKind::Connecting }, why, age)
            }
        }
    } else {
        match rest_down {
            Some(why) => (LinkKind::Down, Some(why), since_refresh),
            None => (LinkKind::Snapshot, None, since_refresh),
        }
    };
    LinkView { kind, age_seconds, why, account_stream_up }
}

pub(super) fn freshness(facts: &Facts<'_>, trades: &[TradeFacts<'_>]) -> Freshness {
    let mut instruments: Vec<&Instrument> =
        trades.iter().flat_map(|trade| trade.trade.legs.iter().map(|leg| &leg.instrument)).collect();
    instruments.sort();
    instruments.dedup();
    let mut counts = Freshness {
        link: link(facts),
        last_refresh: facts.last_refresh,
        live_instruments: 0,
        stale_instruments: 0,
        unpriced_instruments: 0,
        oldest_quote_seconds: None,
        without_history: 0,
    };
    let mut underlyings: Vec<&crate::domain::Symbol> =
        trades.iter().map(|trade| &trade.trade.underlying).collect();
    underlyings.push(facts.market.benchmark());
    underlyings.sort();
    underlyings.dedup();
    counts.without_history = underlyings.iter().filter(|symbol| facts.market.bars(symbol).is_empty()).count();
    for instrument in instruments {
        match facts.market.mark(instrument) {
            Reading::Live { .. } => counts.live_instruments += 1,
            Reading::Stale { .. } => counts.stale_instruments += 1,
            Reading::Unusable { .. } => counts.unpriced_instruments += 1,
        }
        counts.oldest_quote_seconds =
            counts.oldest_quote_seconds.max(facts.market.quote_age_seconds(instrument));
    }
    counts
}
