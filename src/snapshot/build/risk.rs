//! Panels 2 and 3 from the risk report and the money side of the trades.

use super::{Facts, overview};
use crate::advisor::trade_facts::TradeFacts;
use crate::domain::text::{signed, thousands};
use crate::domain::units::{Dollars, GammaPnl, PerVolPoint};
use crate::domain::{Money, Symbol};
use crate::market::view::BetaSource;
use crate::risk::exposure::Coverage;
use crate::risk::report::RiskReport;
use crate::risk::scenario::VolShock;
use crate::risk::valuation::Total;
use crate::snapshot::risk::{
    ExpiryBucket, RiskDetail, RiskPanel, RiskRow, RiskSums, ScenarioPanel, StressRow, WorstCell,
};
use crate::snapshot::{Shown, Standing};

/// DTE buckets of the drill-down: last day and label.
const BUCKETS: [(i64, &str); 4] = [(7, "0–7 d"), (30, "8–30 d"), (60, "31–60 d"), (i64::MAX, "61+ d")];

pub(super) fn panel(facts: &Facts<'_>, trades: &[TradeFacts<'_>]) -> RiskPanel {
    let mut symbols: Vec<Symbol> = trades
        .iter()
        .filter(|trade| (facts.counted)(trade.trade))
        .map(|trade| trade.trade.underlying.clone())
        .collect();
    symbols.sort();
    symbols.dedup();
    let mut rows: Vec<RiskRow> = symbols.iter().map(|symbol| row(facts, trades, symbol)).collect();
    let size = |row: &RiskRow| row.sums.beta_delta.value.map_or(-1.0, |shares| shares.0.abs());
    rows.sort_by(|a, b| size(b).total_cmp(&size(a)).then_with(|| a.symbol.cmp(&b.symbol)));
    RiskPanel { total: total(facts, trades), rows }
}

fn money(facts: &Facts<'_>, trades: &[TradeFacts<'_>], symbol: Option<&Symbol>) -> (Total, Total) {
    let mut day = Total::default();
    let mut open = Total::default();
    for trade in trades.iter().filter(|trade| (facts.counted)(trade.trade)) {
        if symbol.is_none_or(|symbol| trade.trade.underlying == *symbol) {
            day.include(&trade.day);
            open.include(&trade.open);
        }
    }
    (day, open)
}

fn row(facts: &Facts<'_>, trades: &[TradeFacts<'_>], symbol: &Symbol) -> RiskRow {
    let market = facts.market;
    let (day, open) = money(facts, trades, Some(symbol));
    let report = facts.risk;
    let found = report.and_then(|risk| risk.exposures.underlyings.iter().find(|row| row.symbol == *symbol));
    let exposure = found
        .map_or(Shown::unknown(), |row| Shown::figure(Some(row.exposure), facts.standing(&row.coverage)));
    let state = found.map_or(Standing::Unknown, |row| facts.whole(&row.coverage));
    // A row's part of VaR is a part of the whole book's.
    let book = report.map_or(Standing::Unknown, |risk| facts.whole(&coverage(risk)));
    let worst = facts
        .matrix
        .and_then(|risk| risk.worst_parts.iter().find(|part| part.symbol == *symbol))
        .map(|part| part.pnl);
    let var95 = report
        .and_then(|risk| risk.var.known())
        .and_then(|var| var.components.iter().find(|part| part.symbol == *symbol))
        .map(|part| part.var95);
    let beta = market.beta(symbol);
    let binding = report.and_then(|risk| overview::binding(risk, symbol));
    RiskRow {
        symbol: symbol.clone(),
        last: market.spot(symbol).into(),
        change_percent: Shown::from(market.day_change(symbol)).map(|change: f64| change * 100.0),
        iv30: Shown::of(market.iv30(symbol).map(|iv| iv.value * 100.0), facts.slow()),
        iv_rank: Shown::of(
            market.metrics(symbol).and_then(|metrics| metrics.iv_rank).map(|rank| rank * 100.0),
            facts.slow(),
        ),
        beta: Shown::live(beta.value),
        beta_assumed: beta.source == BetaSource::Assumed,
        delta_shares: exposure.map(|e| e.delta_shares),
        sums: RiskSums {
            dollar_delta: exposure.map(|e| e.dollar_delta),
            beta_delta: exposure.map(|e| e.beta_weighted_delta),
            gamma_pnl_1pct: exposure.map(|e| e.gamma_pnl_1pct.dollars()),
            theta_day: exposure.map(|e| e.theta_day),
            vega_point: exposure.map(|e| e.vega_point),
            day: day.known().into(),
            open: open.known().into(),
            worst: Shown::figure(worst, state),
            var95: Shown::figure(var95, book),
            unpriced: found.map_or(0, |row| row.coverage.unpriced),
        },
        binding_share: binding.as_ref().and_then(|(_, share)| *share),
        binding: binding.map(|(limit, _)| limit),
        next_event: super::calendar::next_event(facts, symbol),
        detail: RiskDetail {
            rho_1pct: exposure.map(|e| e.rho_1pct),
            vanna: exposure.map(|e| e.vanna),
            volga: exposure.map(|e| e.volga),
            charm_day: exposure.map(|e| e.charm_day),
            vega_30d: exposure.map(|e| e.vega_point_30d),
            market_value: exposure.map(|e| e.market_value),
            by_expiry: report.map_or_else(Vec::new, |risk| by_expiry(risk, trades, symbol)),
        },
    }
}

/// Legs of the report carry no expiry: they are matched with their trades, in order.
fn by_expiry(risk: &RiskReport, trades: &[TradeFacts<'_>], symbol: &Symbol) -> Vec<ExpiryBucket> {
    let mut buckets: Vec<ExpiryBucket> = BUCKETS
        .iter()
        .map(|(_, label)| ExpiryBucket {
            label: (*label).to_owned(),
            vega_point: PerVolPoint(0.0),
            gamma_pnl_1pct: GammaPnl(0.0),
        })
        .collect();
    for trade in trades.iter().filter(|trade| trade.trade.underlying == *symbol) {
        let rows = risk.exposures.legs.iter().filter(|row| row.trade == trade.trade.id);
        let legs = trade.trade.legs.iter().filter(|leg| !leg.quantity.is_zero());
        for (row, leg) in rows.zip(legs) {
            let (Some(exposure), Some(option)) = (&row.exposure, leg.instrument.option()) else { continue };
            let days = (option.expiry - crate::domain::time::new_york_date(risk.as_of)).num_days();
            let place = BUCKETS.iter().position(|(last, _)| days <= *last);
            if let Some(bucket) = place.and_then(|place| buckets.get_mut(place)) {
                bucket.vega_point += exposure.vega_point;
                bucket.gamma_pnl_1pct += exposure.gamma_pnl_1pct;
            }
        }
    }
    buckets
}

fn total(facts: &Facts<'_>, trades: &[TradeFacts<'_>]) -> RiskSums {
    let (day, open) = money(facts, trades, None);
    let (day, open) = (day.known().into(), open.known().into());
    let Some(risk) = facts.risk else {
        return RiskSums { day, open, ..RiskSums::default() };
    };
    let sum = &risk.exposures.total;
    let state = facts.standing(&sum.coverage);
    let whole = facts.whole(&sum.coverage);
    RiskSums {
        dollar_delta: Shown::figure(Some(sum.dollar_delta), state),
        beta_delta: Shown::figure(Some(sum.beta_weighted_delta), state),
        gamma_pnl_1pct: Shown::figure(Some(sum.gamma_pnl_1pct.dollars()), state),
        theta_day: Shown::figure(Some(sum.theta_day), state),
        vega_point: Shown::figure(Some(sum.vega_point), state),
        day,
        open,
        worst: Shown::figure(facts.matrix.and_then(|risk| risk.worst.as_ref()).map(|worst| worst.pnl), whole),
        var95: Shown::figure(risk.var.known().map(|var| var.var95), whole),
        unpriced: sum.coverage.unpriced,
    }
}

pub(super) fn scenario(facts: &Facts<'_>, net_liq: Option<Money>) -> ScenarioPanel {
    let view = facts.view;
    let subject = view
        .scenario_of
        .as_ref()
        .map_or_else(|| super::header::scope(facts), |symbol| symbol.as_str().to_owned());
    let Some(risk) = facts.matrix else {
        return ScenarioPanel {
            subject,
            beta_mapped: view.scenario_of.is_none(),
            horizon: view.horizon,
            roll_days: 0,
            spot_moves: Vec::new(),
            vol_points: Vec::new(),
            cells: Vec::new(),
            worst: None,
            reverse: Vec::new(),
            unpriced: 0,
        };
    };
    let grid = &risk.grid;
    let state = facts.standing(&grid.coverage);
    let worst = grid.worst.as_ref().map(|worst| WorstCell {
        row: worst.row,
        column: worst.column,
        pnl: worst.pnl,
        of_net_liq: share(worst.pnl, net_liq),
        drivers: worst.drivers.iter().map(|part| (part.symbol.clone(), part.pnl)).collect(),
    });
    ScenarioPanel {
        subject,
        beta_mapped: grid.subject.is_none(),
        horizon: view.horizon,
        roll_days: grid.roll_days,
        spot_moves: grid.spot_moves.clone(),
        vol_points: grid.vols.iter().map(|shock| points(*shock)).collect(),
        cells: grid
            .cells
            .iter()
            .map(|row| row.iter().map(|cell| Shown::figure(Some(cell.pnl), state)).collect())
            .collect(),
        worst,
        reverse: reverse(risk),
        unpriced: grid.coverage.unpriced,
    }
}

fn points(shock: VolShock) -> f64 {
    match shock {
        VolShock::Points(points) => points,
        VolShock::Relative(share) => share * 100.0,
    }
}

fn share(pnl: Dollars, net_liq: Option<Money>) -> Option<f64> {
    let whole = Dollars(net_liq?.to_f64());
    (whole.0 > 0.0).then_some(pnl.abs() / whole)
}

fn reverse(risk: &RiskReport) -> Vec<String> {
    risk.losses
        .iter()
        .filter_map(|loss| {
            let at = loss.nearest()?;
            let amount = thousands(loss.amount.0);
            Some(format!("loses {amount} at {} % spot", signed(at * 100.0, 1)))
        })
        .collect()
}

/// What the empty state counts as, and what a partial one does.
pub(super) fn stress(facts: &Facts<'_>, net_liq: Option<Money>) -> Vec<StressRow> {
    let Some(risk) = facts.risk else { return Vec::new() };
    let state = facts.whole(&coverage(risk));
    let mut rows: Vec<StressRow> = risk
        .stresses
        .iter()
        .map(|stress| StressRow {
            name: format!(
                "{} {} % {} pt",
                stress.name,
                signed(stress.spot_move * 100.0, 1),
                signed(stress.vol_points, 0)
            ),
            pnl: Shown::figure(Some(stress.pnl), state),
            of_net_liq: Shown::of(share(stress.pnl, net_liq).map(|part| part * stress.pnl.0.signum()), state),
        })
        .collect();
    // Worst first: the panel shows as many as fit.
    rows.sort_by(|a, b| a.pnl.value.unwrap_or_default().total_cmp(&b.pnl.value.unwrap_or_default()));
    rows
}

fn coverage(risk: &RiskReport) -> Coverage {
    risk.exposures.total.coverage
}
