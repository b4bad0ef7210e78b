//! Panel 4 from books, market and the per-trade figures of the risk report.

use std::collections::BTreeMap;

use super::{Facts, models};
use crate::advisor::attention;
use crate::advisor::trade_facts::{self, ModelGreeks, TradeFacts};
use crate::booking::routing;
use crate::containers::Order;
use crate::domain::order::{OrderFor, OrderState};
use crate::domain::time::days_to;
use crate::domain::{
    AccountId, Instrument, Leg, Reading, Symbol, Trade, TradeId, TradeKind, TradeState, label,
};
use crate::market::quote::Quality;
use crate::market::view::OptionReading;
use crate::risk::exposure::{Exposure, LegExposure, TradeExposure};
use crate::risk::valuation::{LegValue, Total};
use crate::snapshot::positions::{Flag, LegRow, NoOrder, PositionGroup, PositionsPanel, RouteRow, TradeRow};
use crate::snapshot::{Shown, Standing};

pub(super) fn panel(facts: &Facts<'_>, trades: &[TradeFacts<'_>], order: &[Symbol]) -> PositionsPanel {
    let exposures = Exposures::of(facts);
    let mut by_symbol: BTreeMap<&Symbol, Vec<&TradeFacts<'_>>> = BTreeMap::new();
    for trade in trades {
        by_symbol.entry(&trade.trade.underlying).or_default().push(trade);
    }
    let place = |symbol: &Symbol| order.iter().position(|known| known == symbol).unwrap_or(usize::MAX);
    let mut symbols: Vec<&Symbol> = by_symbol.keys().copied().collect();
    symbols.sort_by_key(|symbol| (place(symbol), (*symbol).clone()));
    let groups: Vec<PositionGroup> = symbols
        .into_iter()
        .filter_map(|symbol| Some(group(facts, symbol, by_symbol.get(symbol)?, &exposures)))
        .collect();
    let counted = trades.iter().filter(|trade| (facts.counted)(trade.trade));
    PositionsPanel {
        trades: counted.clone().count(),
        legs: counted.map(|trade| trade.trade.legs.len()).sum(),
        models: models::watch(facts),
        what_ifs_out: trades.iter().filter(|t| t.trade.is_meant() && !(facts.counted)(t.trade)).count(),
        groups,
    }
}

/// The report's figures by trade and leg; a leg is found by its place in its trade.
struct Exposures<'a> {
    trades: BTreeMap<TradeId, &'a TradeExposure>,
    legs: BTreeMap<TradeId, Vec<&'a LegExposure>>,
}

impl<'a> Exposures<'a> {
    fn of(facts: &Facts<'a>) -> Self {
        let mut found = Self { trades: BTreeMap::new(), legs: BTreeMap::new() };
        if let Some(risk) = facts.risk {
            for trade in &risk.exposures.trades {
                found.trades.insert(trade.trade, trade);
            }
            for leg in &risk.exposures.legs {
                found.legs.entry(leg.trade).or_default().push(leg);
            }
        }
        found
    }
}

fn group(
    facts: &Facts<'_>,
    symbol: &Symbol,
    trades: &[&TradeFacts<'_>],
    exposures: &Exposures<'_>,
) -> PositionGroup {
    let counted: Vec<&&TradeFacts<'_>> = trades.iter().filter(|trade| (facts.counted)(trade.trade)).collect();
    let mut day = Total::default();
    let mut open = Total::default();
    for trade in &counted {
        day.include(&trade.day);
        open.include(&trade.open);
    }
    let row = facts.risk.and_then(|risk| risk.exposures.underlyings.iter().find(|row| row.symbol == *symbol));
    let exposure =
        row.map_or(Shown::unknown(), |row| Shown::of(Some(row.exposure), facts.standing(&row.coverage)));
    let mut ordered: Vec<&&TradeFacts<'_>> = trades.iter().collect();
    ordered.sort_by_key(|trade| {
        (trade.trade.kind == TradeKind::WhatIf, trade.nearest_expiry, trade.trade.opened_at, trade.trade.id)
    });
    PositionGroup {
        symbol: symbol.clone(),
        summary: summary(&ordered),
        delta_shares: exposure.map(|e| e.delta_shares),
        theta_day: exposure.map(|e| e.theta_day),
        vega_point: exposure.map(|e| e.vega_point),
        day: if counted.is_empty() { Shown::unknown() } else { day.known().into() },
        open: if counted.is_empty() { Shown::unknown() } else { open.known().into() },
        trades: ordered.into_iter().map(|trade| trade_row(facts, trade, exposures)).collect(),
    }
}

fn summary(trades: &[&&TradeFacts<'_>]) -> String {
    match trades {
        [only] => {
            let mut words = label::strategy_words(only.trade.strategy, &only.trade.legs);
            if only.trade.rationale.is_none() {
                words.push_str(", no rationale");
            }
            words
        }
        several => format!("{} trades", several.len()),
    }
}

/// Closing what is not held and opening what is are no question.
fn no_orders(facts: &Facts<'_>, trade: &TradeFacts<'_>) -> Vec<NoOrder> {
    let asked = OrderFor::ALL.into_iter().filter(|purpose| purpose.is_closing() == trade.trade.is_open());
    let refused = |purpose: OrderFor| {
        let standing = (facts.may_stage)(trade.trade, purpose.is_closing());
        let priced = || match purpose {
            OrderFor::RestExit | OrderFor::Bracket => trade.exit_price().map(|_| ()),
            OrderFor::Open | OrderFor::OpenWithExits | OrderFor::Close => Ok(()),
        };
        let refusal = standing.and_then(|()| priced()).err()?;
        Some(NoOrder { purpose, why: refusal.to_string(), remedy: refusal.remedy().to_owned() })
    };
    asked.filter_map(refused).collect()
}

fn trade_row(facts: &Facts<'_>, trade: &TradeFacts<'_>, exposures: &Exposures<'_>) -> TradeRow {
    let it = trade.trade;
    let counted = (facts.counted)(it);
    let exposure = exposures.trades.get(&it.id);
    // What is not counted has no place in the report; its Greeks are the model's all the same.
    let of_legs: Vec<Reading<ModelGreeks>> = match counted {
        true => Vec::new(),
        false => it.legs.iter().map(|leg| trade_facts::model_greeks(leg, facts.market)).collect(),
    };
    let greeks = match exposure {
        Some(row) => Shown::of(Some(held(&row.exposure)), facts.standing(&row.coverage)),
        None => trade_facts::sum_of_greeks(&of_legs).into(),
    };
    let legs = exposures.legs.get(&it.id);
    TradeRow {
        id: it.id,
        kind: it.kind,
        counted,
        strategy: it.strategy,
        label: trade.label.clone(),
        portfolio: it.portfolio.and_then(|id| facts.books.portfolio(id)).map(|p| p.name.clone()),
        account: it.account.and_then(|id| facts.account_named(id)),
        quantity: trade.lots,
        entry: Shown::of(trade.entry, Standing::Live),
        mark: trade.mark.into(),
        delta_shares: greeks.map(|own| own.delta_shares),
        theta_day: greeks.map(|own| own.theta_day),
        vega_point: greeks.map(|own| own.vega_point),
        nearest_expiry: trade.nearest_expiry,
        dte: trade.days,
        // What was neither tried out nor filled has made nothing.
        day: if it.is_open() || it.is_what_if() { trade.day.whole().into() } else { Shown::unknown() },
        open: if it.is_open() || it.is_what_if() { trade.open.whole().into() } else { Shown::unknown() },
        estimated_fees: trade.fees,
        outlook: super::outlook::outlook(trade),
        percent_of_max: trade.percent_of_max.into(),
        rule: rule(facts, trade),
        flags: flags(trade),
        state: state_words(it.state).to_owned(),
        is_open: it.is_open(),
        no_orders: no_orders(facts, trade),
        rationale: it.rationale.as_deref().map(crate::domain::text::clean_note),
        routes: routing::routes(facts.books, it)
            .into_iter()
            .map(|route| RouteRow {
                portfolio: route.portfolio,
                name: route.name,
                refused: route.refused.map(|why| why.to_string()),
            })
            .collect(),
        legs: it
            .legs
            .iter()
            .zip(&trade.legs)
            .enumerate()
            .map(|(i, (leg, value))| {
                let own = of_legs.get(i).map_or(Shown::unknown(), |greeks| (*greeks).into());
                leg_row(facts, own, leg, value, legs.and_then(|legs| legs.get(i)).copied())
            })
            .collect(),
    }
}

/// The report's figures of what is held, those that a row shows.
fn held(exposure: &Exposure) -> ModelGreeks {
    let Exposure { delta_shares, theta_day, vega_point, .. } = *exposure;
    ModelGreeks { delta_shares, theta_day, vega_point }
}

fn rule(facts: &Facts<'_>, trade: &TradeFacts<'_>) -> String {
    if let Some(evaluation) = trade.trade.evaluation.as_ref().filter(|_| trade.trade.is_what_if()) {
        return crate::booking::evaluate::verdict_words(evaluation);
    }
    if !trade.trade.is_open() {
        return on_its_way(facts, trade.trade).to_owned();
    }
    let Some(exit) = &trade.exit else { return String::new() };
    match (exit.due(), exit.was_due()) {
        (Some(due), _) => format!("CLOSE: {due}"),
        (None, Some((why, at))) => format!("~CLOSE, {}: {why}", attention::since_words(at, facts.now)),
        (None, None) => exit.next.clone(),
    }
}

/// Where the order stands that is to make a real trade of it.
fn on_its_way(facts: &Facts<'_>, trade: &Trade) -> &'static str {
    let has = |wanted: fn(&Order) -> bool| {
        facts.books.orders.values().any(|order| order.ticket.trade == trade.id && wanted(order))
    };
    if has(|order| order.state.may_work()) {
        "AT THE BROKER: O shows it"
    } else if has(|order| order.state == OrderState::Staged) {
        "STAGED: b sends it, O d takes it back"
    } else {
        "NOT HELD: b stages it again, d discards it"
    }
}

fn flags(trade: &TradeFacts<'_>) -> Vec<Flag> {
    let it = trade.trade;
    let exit = trade.exit.as_ref();
    let due = exit.is_some_and(|exit| exit.due().is_some());
    let was_due = exit.is_some_and(|exit| exit.was_due().is_some());
    let soon = trade.days.is_some_and(|days| days <= trade_facts::EXPIRY_DAYS);
    let table = [
        (it.rationale.is_none(), Flag::NoRationale),
        (soon, Flag::ExpiresSoon),
        (trade.dividend.is_some(), Flag::DividendRisk),
        (trade.assignment.is_some(), Flag::AssignmentRisk),
        (due, Flag::ExitDue),
        (was_due && !due, Flag::ExitStale),
        (trade.value.missing > 0, Flag::Unpriced),
        (it.portfolio.is_none() && it.is_open(), Flag::Unassigned),
        (it.legs.iter().any(|leg| trade_facts::is_non_standard(&leg.instrument)), Flag::NonStandard),
        (it.account.is_some_and(AccountId::is_paper), Flag::Paper),
    ];
    table.into_iter().filter_map(|(holds, flag)| holds.then_some(flag)).collect()
}

fn state_words(state: TradeState) -> &'static str {
    match state {
        TradeState::Intent => "intent",
        TradeState::Evaluated => "evaluated",
        TradeState::Pending => "pending",
        TradeState::Executed => "executed",
        TradeState::Closed { .. } => "closed",
        TradeState::Rolled { .. } => "rolled",
    }
}

fn leg_row(
    facts: &Facts<'_>,
    own: Shown<ModelGreeks>,
    leg: &Leg,
    value: &LegValue,
    exposure: Option<&LegExposure>,
) -> LegRow {
    let market = facts.market;
    let raw = market.raw_quote(&leg.instrument);
    let out_of_date = matches!(market.quality(&leg.instrument), Quality::Missing | Quality::Stale);
    let live = if out_of_date { Standing::Stale } else { Standing::Live };
    let option = leg.instrument.option().map(|_| market.option(&leg.instrument));
    let stale = exposure.is_some_and(|row| row.stale);
    let greeks = match exposure {
        Some(row) => {
            let known = row.exposure.as_ref().map(held);
            Shown::of(known, if stale { Standing::Stale } else { Standing::Live })
        }
        None => own,
    };
    LegRow {
        instrument: leg.instrument.broker_symbol(),
        label: label::leg(&leg.instrument, facts.year()),
        quantity: leg.quantity,
        entry: Shown::of(leg.entry, Standing::Live),
        bid: Shown::of(raw.and_then(|quote| quote.bid), live),
        ask: Shown::of(raw.and_then(|quote| quote.ask), live),
        mark: value.mark.into(),
        iv: option
            .as_ref()
            .map_or(Shown::unknown(), |o| o.inputs.map(|inputs| inputs.vol_annual * 100.0).into()),
        broker_iv: Shown::of(
            option
                .as_ref()
                .and_then(|o| o.broker)
                .and_then(|greeks| greeks.volatility)
                .map(|vol| vol * 100.0),
            Standing::Live,
        ),
        delta_shares: greeks.map(|own| own.delta_shares),
        theta_day: greeks.map(|own| own.theta_day),
        vega_point: greeks.map(|own| own.vega_point),
        dte: leg.instrument.option().map(|option| days_to(option.expiry, market.now())),
        day: value.day.into(),
        open: value.open.into(),
        model: model_words(&leg.instrument, option.as_ref()),
        quote_age_seconds: market.quote_age_seconds(&leg.instrument),
        models: models::of_leg(facts, &leg.instrument),
    }
}

fn model_words(instrument: &Instrument, option: Option<&OptionReading>) -> String {
    match (instrument, option) {
        (Instrument::Option(_), Some(reading)) => match &reading.inputs {
            Reading::Unusable { why } => why.words().to_owned(),
            _ => reading.model.word().to_owned(),
        },
        _ => "shares".to_owned(),
    }
}
