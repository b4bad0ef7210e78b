//! Panel 1 from the market: quotes, term structure, ranks, regime; what the calendar holds is `calendar`'s.

use super::{Facts, calendar};
use crate::domain::Symbol;
use crate::market::history::Single;
use crate::snapshot::market::{IvRank, MarketPanel, MarketQuote, RegimeRow};
use crate::snapshot::{Shown, Standing};

pub(super) fn panel(facts: &Facts<'_>, held: &[Symbol]) -> MarketPanel {
    let market = facts.market;
    let symbol = |text: &str| Symbol::new(text).ok();
    let term = market.volatility_term();
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
        .filter(|symbol| !is_volatility(symbol))
        .map(|symbol| quote(facts, symbol))
        .collect();
    MarketPanel {
        halted: halted(facts, held),
        quotes,
        vix: term.vix.into(),
        vix_change,
        vix3m: term.vix3m.into(),
        term_ratio: term.ratio.into(),
        term_state: term.state,
        term_stress: term.is_stressed,
        vol_premium: vol_premium(facts),
        iv_ranks: ranks(facts, held),
        rate_3m: Some(market.rate(91.0 / 365.0)),
        regime: regime(facts, held),
        calendar: calendar::items(facts, held),
        events: calendar::events(facts, held),
    }
}

/// Of what is on the screen, those that do not trade.
pub(super) fn halted(facts: &Facts<'_>, held: &[Symbol]) -> Vec<Symbol> {
    let mut halted: Vec<Symbol> = facts.context.iter().chain(held).cloned().collect();
    halted.retain(|symbol| facts.market.halted(symbol) == Some(true));
    halted.sort();
    halted.dedup();
    halted
}

/// A figure about the volatility of others: quoted in its own place, without a trend of its own.
fn is_volatility(symbol: &Symbol) -> bool {
    symbol.as_str().starts_with("VIX")
}

fn quote(facts: &Facts<'_>, symbol: &Symbol) -> MarketQuote {
    let market = facts.market;
    let sigma = market.iv30(symbol).map(|iv| iv.value * 100.0 / 252f64.sqrt());
    MarketQuote {
        symbol: symbol.clone(),
        last: market.spot_or_close(symbol).into(),
        change_percent: Shown::from(market.day_change(symbol)).map(|change: f64| change * 100.0),
        sigma_percent: Shown::of(sigma, facts.slow()),
    }
}

fn vol_premium(facts: &Facts<'_>) -> Shown<f64> {
    let benchmark = facts.market.benchmark();
    let standing = facts.slow().max(of_bars(facts, &facts.market.daily_figures(benchmark)));
    Shown::of(facts.market.vol_premium(benchmark), standing)
}

/// Bars of finished sessions do not age by the second; they are stale when a later session is missing.
fn of_bars(facts: &Facts<'_>, figures: &Single) -> Standing {
    match figures.as_of {
        None => Standing::Unknown,
        Some(last) if last < facts.market.last_session() => Standing::Stale,
        Some(_) => Standing::Live,
    }
}

fn regime(facts: &Facts<'_>, held: &[Symbol]) -> Vec<RegimeRow> {
    let benchmark = std::iter::once(facts.market.benchmark());
    let mut symbols: Vec<&Symbol> = Vec::new();
    for symbol in benchmark.chain(facts.context).chain(held).filter(|symbol| !is_volatility(symbol)) {
        if !symbols.contains(&symbol) {
            symbols.push(symbol);
        }
    }
    symbols.into_iter().map(|symbol| regime_row(facts, symbol)).collect()
}

fn regime_row(facts: &Facts<'_>, symbol: &Symbol) -> RegimeRow {
    let market = facts.market;
    let figures = market.daily_figures(symbol);
    let (bars, slow) = (of_bars(facts, &figures), facts.slow());
    let of = figures.indicators;
    let daily = |value: Option<f64>| Shown::of(value, bars);
    let iv30 = market.iv30(symbol).map(|iv| iv.value);
    let ratio = iv30.zip(figures.realised_20.filter(|rv| *rv > 0.0)).map(|(iv, rv)| (iv / rv).powi(2));
    let metric = |value: Option<f64>| Shown::of(value.map(|value| value * 100.0), slow);
    let metrics = market.metrics(symbol);
    RegimeRow {
        symbol: symbol.clone(),
        bars_to: figures.as_of,
        trend: Shown::of(of.trend, bars),
        ema20: daily(of.ema20),
        sma50: daily(of.sma50),
        rsi14: daily(of.rsi14),
        adx14: daily(of.directional.map(|d| d.adx)),
        plus_di14: daily(of.directional.map(|d| d.plus)),
        minus_di14: daily(of.directional.map(|d| d.minus)),
        macd: daily(of.macd.map(|m| m.line)),
        macd_signal: daily(of.macd.map(|m| m.signal)),
        macd_histogram: daily(of.macd.map(|m| m.histogram())),
        rv20: daily(figures.realised_20.map(|rv| rv * 100.0)),
        iv30: metric(iv30),
        vol_premium: Shown::of(market.vol_premium(symbol), bars.max(slow)),
        variance_ratio: Shown::of(ratio, bars.max(slow)),
        iv_rank: metric(metrics.and_then(|m| m.iv_rank)),
        iv_percentile: metric(metrics.and_then(|m| m.iv_percentile)),
    }
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
