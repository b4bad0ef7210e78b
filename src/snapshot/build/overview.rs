//! The answer, the account and portfolio strips, the limits, the warnings, and the blotter's rows.

use super::Facts;
use crate::advisor::attention::Attention;
use crate::advisor::trade_facts::{self, TradeFacts};
use crate::domain::text::{signed, thousands};
use crate::domain::time::new_york_date;
use crate::domain::units::Dollars;
use crate::domain::view::{Horizon, Scope};
use crate::domain::{LimitState, Money, Reading, Symbol};
use crate::market::events::Reach;
use crate::market::view::BetaSource;
use crate::risk::limits::LimitReading;
use crate::risk::report::RiskReport;
use crate::risk::valuation::Total;
use crate::risk::var::VarOutcome;
use crate::snapshot::overview::{
    AccountFigure, AccountStrip, Answer, AnswerState, BlotterRow, LimitRow, PortfolioStrip, StripKind,
    Urgency,
};
use crate::snapshot::{RiskPanel, ScenarioPanel, Shown, Standing};

pub(super) fn limits(facts: &Facts<'_>) -> Vec<LimitRow> {
    let Some(risk) = facts.risk else { return Vec::new() };
    let mut rows: Vec<LimitRow> = risk
        .portfolios
        .iter()
        .flat_map(|portfolio| {
            let stale = portfolio.total.coverage.stale > 0;
            portfolio.limits.iter().map(move |reading| (reading, stale))
        })
        .filter(|(reading, _)| reading.state != LimitState::Off)
        .map(|(reading, stale)| limit_row(reading, stale))
        .collect();
    rows.sort_by(|a, b| used(b).total_cmp(&used(a)).then_with(|| a.portfolio.cmp(&b.portfolio)));
    rows
}

fn used(row: &LimitRow) -> f64 {
    row.utilisation.unwrap_or(match row.state {
        LimitState::Breached | LimitState::Unknown => f64::INFINITY,
        LimitState::Off | LimitState::Within | LimitState::Near => 0.0,
    })
}

fn limit_row(reading: &LimitReading, stale: bool) -> LimitRow {
    LimitRow {
        id: reading.id,
        portfolio: reading.portfolio_name.clone(),
        value: reading.value,
        limit: reading.limit,
        utilisation: reading.utilisation,
        state: reading.state,
        stale,
        driver: reading.driver().cloned(),
    }
}

/// The limit, and the underlying's own part of its use.
pub(super) fn binding(risk: &RiskReport, symbol: &Symbol) -> Option<(LimitRow, Option<f64>)> {
    let found = risk.binding.iter().find(|binding| binding.symbol == *symbol)?;
    let limit = LimitRow {
        id: found.limit,
        portfolio: found.portfolio_name.clone(),
        value: None,
        limit: None,
        utilisation: found.utilisation,
        state: found.state,
        stale: risk
            .portfolios
            .iter()
            .any(|portfolio| portfolio.id == Some(found.portfolio) && portfolio.total.coverage.stale > 0),
        driver: Some(symbol.clone()),
    };
    Some((limit, found.share))
}

pub(super) fn answer(
    facts: &Facts<'_>,
    panel: &RiskPanel,
    scenario: &ScenarioPanel,
    limits: &[LimitRow],
) -> Answer {
    let percent = |row: &LimitRow| {
        let tilde = if row.stale { "~" } else { "" };
        row.utilisation.map_or("?".to_owned(), |u| format!("{tilde}{:.0} %", u * 100.0))
    };
    let words = |row: &LimitRow| {
        let driver = row.driver.as_ref().map_or(String::new(), |symbol| format!(", {symbol} most"));
        format!("{} {} ({}{driver})", row.id.words(), percent(row), row.portfolio)
    };
    let limits: Vec<&LimitRow> = limits.iter().filter(|row| facts.answers_for_limit(row)).collect();
    let of = |state: LimitState| limits.iter().copied().filter(move |row| row.state == state);
    let near: Vec<String> = of(LimitState::Near)
        .map(|row| format!("{} {} ({})", row.id.words(), percent(row), row.portfolio))
        .collect();
    let unpriced = panel.total.unpriced;
    let (state, headline) = if facts.last_refresh.is_none() {
        (AnswerState::Unknown, "UNKNOWN (the broker has not been read yet)".to_owned())
    } else if facts.risk_failed {
        (AnswerState::Unknown, "UNKNOWN (risk could not be computed)".to_owned())
    } else if facts.risk.is_none() {
        (AnswerState::Unknown, "UNKNOWN (no risk picture yet)".to_owned())
    } else if of(LimitState::Breached).next().is_some() {
        let which: Vec<String> = of(LimitState::Breached).map(words).collect();
        (AnswerState::Breached, format!("BREACHED: {}", which.join(", ")))
    } else if unpriced > 0 {
        (AnswerState::Unknown, format!("UNKNOWN ({})", legs_unpriced(unpriced)))
    } else if of(LimitState::Unknown).next().is_some() {
        let which: Vec<String> =
            of(LimitState::Unknown).map(|row| format!("{} {}", row.id.words(), row.portfolio)).collect();
        (AnswerState::Unknown, format!("UNKNOWN: {}", which.join(", ")))
    } else if panel.total.beta_delta.standing == Standing::Stale || limits.iter().any(|row| row.stale) {
        (AnswerState::Unknown, "UNKNOWN (quotes are stale)".to_owned())
    } else if near.is_empty() {
        (AnswerState::Within, "WITHIN LIMITS".to_owned())
    } else {
        (AnswerState::Near, "WITHIN LIMITS".to_owned())
    };
    // Limits belong to portfolios: what has no portfolio is inside none of them.
    let inbox = facts.books.open_trades().filter(|trade| trade.portfolio.is_none()).count();
    let unrouted = if matches!(facts.view.scope, Scope::Portfolio(_)) { 0 } else { inbox };
    let headline = match (state, unrouted) {
        (AnswerState::Within | AnswerState::Near, 1..) => {
            format!(
                "{headline}, {unrouted} {} in no portfolio",
                if unrouted == 1 { "trade" } else { "trades" }
            )
        }
        _ => headline,
    };
    let (sentence, short) = sentence(facts, panel, scenario);
    Answer { state, headline, sentence, short, near }
}

fn sentence(facts: &Facts<'_>, panel: &RiskPanel, scenario: &ScenarioPanel) -> (String, String) {
    let total = &panel.total;
    let (Some(delta), Some(theta)) = (total.beta_delta.value, total.theta_day.value) else {
        return (String::new(), String::new());
    };
    let benchmark = facts.market.benchmark();
    let side = if delta.0 < 0.0 { "Short" } else { "Long" };
    let tilde = if total.beta_delta.standing == Standing::Stale { "~" } else { "" };
    let delta_words = format!("{side} {tilde}{} {benchmark} Δ", thousands(delta.abs().0));
    let dollars = format!("{tilde}{}${}", if theta.0 < 0.0 { "−" } else { "+" }, thousands(theta.abs().0));
    let breakeven = facts
        .risk
        .and_then(|risk| risk.exposures.total.breakeven_move)
        .map(|by| format!("breaks even {tilde}±{:.2} %", by * 100.0));
    // The worst cell of the whole scope; the matrix may be showing one underlying.
    let worst = total.worst.value.map(|pnl| {
        let share = scenario
            .worst
            .as_ref()
            .filter(|_| scenario.beta_mapped)
            .and_then(|worst| worst.of_net_liq)
            .map(|part| format!(" ({:.1} %)", part * 100.0));
        (format!("{tilde}{}", signed(pnl.0, 0)), share.unwrap_or_default())
    });
    let mut long = format!("{delta_words}, {dollars} a day");
    let mut short = format!("{delta_words}, {dollars}/day");
    if let Some(breakeven) = breakeven {
        long = format!("{long}, {breakeven} a day");
        short = format!("{short}, {breakeven}");
    }
    if let Some((pnl, share)) = worst {
        let at = match facts.view.horizon {
            Horizon::Now => "",
            Horizon::FiveDays => " in 5 d",
            Horizon::Expiry => " at expiry",
        };
        long = format!("{long}; worst cell{at} {pnl}{share}");
        short = format!("{short}; worst{at} {pnl}{share}");
    }
    (long, short)
}

pub(super) fn account(facts: &Facts<'_>, trades: &[TradeFacts<'_>]) -> AccountStrip {
    let mut net_liq = Total::default();
    let mut accounts = Vec::new();
    for held in facts.books.accounts.values() {
        let id = held.account.id;
        let value = facts.net_liq.get(&id).copied().unwrap_or_default();
        net_liq.include(&value);
        let latest = facts.balances.get(&id).or(held.balances.as_ref());
        accounts.push(AccountFigure {
            name: facts.account_name(held),
            masked_number: held.account.masked_number.clone(),
            net_liq: value.whole().into(),
            broker_net_liq: latest.and_then(|balances| balances.net_liq),
            cash: latest.and_then(|balances| balances.cash),
        });
    }
    let mut day = Total::default();
    let mut open = Total::default();
    for trade in trades.iter().filter(|trade| (facts.counted)(trade.trade)) {
        day.include(&trade.day);
        open.include(&trade.open);
    }
    let state = facts.risk.map_or(Standing::Unknown, |risk| facts.whole(&risk.exposures.total.coverage));
    let var = facts.risk.and_then(|risk| risk.var.known());
    let known = !facts.books.accounts.is_empty();
    AccountStrip {
        net_liq: if known { net_liq.whole().into() } else { Shown::unknown() },
        accounts,
        var95: Shown::figure(var.map(|var| var.var95), state),
        var_method: facts.risk.map_or_else(String::new, |risk| match &risk.var {
            VarOutcome::Known { .. } if risk.exposures.total.coverage.unpriced > 0 => {
                legs_unpriced(risk.exposures.total.coverage.unpriced)
            }
            VarOutcome::Known { report } => report.method.words().to_owned(),
            VarOutcome::Unknown { why, .. } => why.clone(),
        }),
        var_utilisation: Shown::figure(var_utilisation(facts), state),
        es975: Shown::figure(var.map(|var| var.es975), state),
        buying_power_used: Shown::of(buying_power_used(facts), facts.slow()),
        day: day.whole().into(),
        open: open.whole().into(),
    }
}

fn legs_unpriced(count: usize) -> String {
    format!("{count} {} unpriced", if count == 1 { "leg" } else { "legs" })
}

/// Capital and what the open trades have made: what limits are measured against.
fn equity(facts: &Facts<'_>, portfolio: &crate::domain::Portfolio) -> Option<Money> {
    let mut open = Total::default();
    // Of the book that this run trades: what is left of another on paper stands beside it.
    let held =
        |trade: &&crate::domain::Trade| trade.portfolio == Some(portfolio.id) && (facts.counted)(trade);
    for trade in facts.books.open_trades().filter(held) {
        open.include(&trade_facts::open_pnl(trade, facts.books, facts.market));
    }
    open.whole().known().map(|pnl| portfolio.capital + *pnl)
}

/// What losses are a share of: the accounts' value, or the equity of the portfolio in view.
pub(super) fn worth(facts: &Facts<'_>, net_liq: Option<Money>) -> Option<Money> {
    match facts.view.scope {
        Scope::Portfolio(id) => facts.books.portfolio(id).and_then(|portfolio| equity(facts, portfolio)),
        Scope::AllReal | Scope::Unassigned => net_liq,
    }
}

/// VaR of the book over what the portfolios' own limits allow together.
fn var_utilisation(facts: &Facts<'_>) -> Option<f64> {
    use rust_decimal::prelude::ToPrimitive;
    let var = facts.risk?.var.known()?.var95;
    let allowed: Dollars = facts
        .books
        .portfolios
        .values()
        .filter(|held| !held.portfolio.hypothetical)
        .filter(|held| match facts.view.scope {
            Scope::Portfolio(id) => held.portfolio.id == id,
            Scope::AllReal | Scope::Unassigned => true,
        })
        .map(|held| match held.portfolio.limits.var95 {
            None => Some(Dollars(0.0)),
            Some(limit) => Some(limit.to_f64()? * Dollars(equity(facts, &held.portfolio)?.to_f64())),
        })
        .sum::<Option<Dollars>>()?;
    (allowed.0 > 0.0).then_some(var / allowed)
}

/// Only when every account says both figures.
fn buying_power_used(facts: &Facts<'_>) -> Option<f64> {
    let mut used = Money::ZERO;
    let mut whole = Money::ZERO;
    for held in facts.books.accounts.values() {
        let balances = facts.balances.get(&held.account.id).or(held.balances.as_ref())?;
        used += balances.requirement?;
        whole += balances.net_liq?;
    }
    let whole = whole.to_f64();
    (whole > 0.0).then(|| used.to_f64() / whole)
}

pub(super) fn portfolios(facts: &Facts<'_>, limits: &[LimitRow]) -> Vec<PortfolioStrip> {
    let mut strips: Vec<PortfolioStrip> =
        facts.books.portfolios.values().map(|held| strip(facts, Some(&held.portfolio), limits)).collect();
    // In the order of size, hypothetical ones last.
    strips.sort_by(|a, b| {
        let key = |strip: &PortfolioStrip| (strip.kind == StripKind::Hypothetical, strip.equity.value);
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(b.1.cmp(&a.1))
    });
    if let Some(idle) = unallocated(facts) {
        strips.push(idle);
    }
    if facts.books.open_trades().any(|trade| trade.portfolio.is_none()) {
        strips.push(strip(facts, None, limits));
    }
    strips
}

fn strip(
    facts: &Facts<'_>,
    portfolio: Option<&crate::domain::Portfolio>,
    limits: &[LimitRow],
) -> PortfolioStrip {
    let id = portfolio.map(|portfolio| portfolio.id);
    let found = facts.risk.and_then(|risk| risk.portfolios.iter().find(|row| row.id == id));
    let state = found.map_or(Standing::Unknown, |row| facts.whole(&row.total.coverage));
    let trades =
        facts.books.trades.values().filter(|trade| trade.portfolio == id && (facts.counted)(trade)).count();
    let mut open = Total::default();
    for trade in facts.books.open_trades().filter(|trade| trade.portfolio == id && (facts.counted)(trade)) {
        open.include(&trade_facts::open_pnl(trade, facts.books, facts.market));
    }
    let equity = portfolio.map_or(Shown::unknown(), |portfolio| {
        Shown::from(open.whole()).map(|pnl: Money| portfolio.capital + pnl)
    });
    let name = portfolio.map_or_else(|| "unassigned".to_owned(), |portfolio| portfolio.name.clone());
    PortfolioStrip {
        id,
        kind: match portfolio {
            None => StripKind::Unassigned,
            Some(portfolio) if portfolio.hypothetical => StripKind::Hypothetical,
            Some(_) => StripKind::Real,
        },
        equity,
        beta_delta: Shown::figure(found.map(|row| row.total.beta_weighted_delta), state),
        theta_day: Shown::figure(found.map(|row| row.total.theta_day), state),
        worst: Shown::figure(
            found
                .filter(|_| facts.matrix.is_some())
                .and_then(|row| row.worst.as_ref())
                .map(|worst| worst.pnl),
            state,
        ),
        var95: Shown::figure(found.and_then(|row| row.var.known()).map(|var| var.var95), state),
        trades,
        tightest: limits.iter().find(|row| row.portfolio == name).cloned(),
        name,
    }
}

/// What the portfolios leave of the accounts' capital: idle cash is a line, not a gap.
fn unallocated(facts: &Facts<'_>) -> Option<PortfolioStrip> {
    let idle = facts.unallocated;
    (idle > Money::ZERO).then(|| PortfolioStrip {
        id: None,
        name: "unallocated".to_owned(),
        kind: StripKind::Unallocated,
        equity: Shown::live(idle),
        beta_delta: Shown::unknown(),
        theta_day: Shown::unknown(),
        worst: Shown::unknown(),
        var95: Shown::unknown(),
        trades: 0,
        tightest: None,
    })
}

pub(super) fn blotter(facts: &Facts<'_>, rows: Vec<Attention>) -> Vec<BlotterRow> {
    rows.into_iter()
        .map(|row| {
            let trade = row.trade.and_then(|id| facts.books.trades.get(&id));
            let portfolio = row.portfolio.or_else(|| trade.and_then(|trade| trade.portfolio));
            let held = portfolio.and_then(|id| facts.books.portfolios.get(&id));
            let account = trade
                .and_then(|trade| trade.account)
                .or_else(|| held.and_then(|held| held.account))
                .and_then(|id| facts.account_named(id));
            BlotterRow {
                key: row.key,
                urgency: row.urgency,
                to_do: row.urgency != Urgency::WhatIf,
                portfolio: held.map_or_else(|| "—".to_owned(), |held| held.portfolio.name.clone()),
                account: account.unwrap_or_else(|| "—".to_owned()),
                action: row.action,
                price: row.price,
                after: row.after,
                why: row.why,
                by_when: row.by_when,
                stale: row.stale,
                trade: row.trade,
                underlying: row.underlying,
            }
        })
        .collect()
}

pub(super) fn warnings(facts: &Facts<'_>, trades: &[TradeFacts<'_>]) -> Vec<String> {
    let mut said: Vec<String> = facts.failures.to_vec();
    if let Some(why) = facts.read_only {
        said.push(format!("read-only: {why}; {}", why.remedy()));
    }
    for trade in trades {
        for leg in &trade.trade.legs {
            if let Reading::Unusable { why } = facts.market.mark(&leg.instrument) {
                said.push(format!("{}: {}", leg.instrument.broker_symbol(), why.words()));
            }
        }
    }
    let mut symbols: Vec<&Symbol> = trades.iter().map(|trade| &trade.trade.underlying).collect();
    symbols.sort();
    symbols.dedup();
    for symbol in symbols {
        if facts.market.halted(symbol) == Some(true) {
            said.push(format!("{symbol}: trading is halted; its quotes stand still and its orders wait"));
        }
        if facts.market.beta(symbol).source == BetaSource::Assumed {
            said.push(format!("{symbol}: no history and no broker beta, 1.00 assumed"));
        }
    }
    if let Some(VarOutcome::Unknown { why, .. }) = facts.risk.map(|risk| &risk.var) {
        said.push(format!("no VaR: {why}"));
    }
    said.extend(super::models::warnings(facts));
    said.extend(of_another_time(facts));
    said
}

/// Rates change little within these days.
const RATES_HOLD_DAYS: i64 = 366;

/// What is configured for another time than the market's: a recorded day of years ago, or a configuration that
/// nobody has renewed.
fn of_another_time(facts: &Facts<'_>) -> Vec<String> {
    let (today, as_of) = (new_york_date(facts.now), facts.rates_as_of);
    let age = (today - as_of).num_days();
    let mut said = vec![if (-31..=RATES_HOLD_DAYS).contains(&age) {
        format!("interest rates are those of {as_of}")
    } else {
        format!("priced with the interest rates of {as_of}, not of {today}: set market.rates for that time")
    }];
    let events = &facts.market.config().events;
    for (name, schedule) in [("FOMC", &events.fomc), ("CPI", &events.cpi)] {
        if schedule.reach(today, today) == Reach::Nothing {
            said.push(format!("no {name} dates are configured for {today}: set calendar in cotrader.yaml"));
        }
    }
    said
}
