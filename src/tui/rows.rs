//! What can be selected: the rows of each panel in their order on the screen, by key. Drawing and moving
//! both read this, so the cursor is always where it is seen.

use super::state::{Panel, RiskSort, UiState};
use crate::domain::{LimitState, Symbol, TradeId};
use crate::snapshot::positions::{Flag, LegRow, PositionGroup, TradeRow};
use crate::snapshot::risk::RiskRow;
use crate::snapshot::{BlotterRow, Shown, Snapshot};

/// Who a row is: survives sorting, filtering and every new picture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RowKey {
    Underlying(Symbol),
    Cell { row: usize, column: usize },
    Group(Symbol),
    Trade(TradeId),
    Leg(TradeId, String),
    Todo(String),
}

/// A line of panel 4.
#[derive(Debug, Clone, Copy)]
pub enum PositionLine<'a> {
    Group(&'a PositionGroup, bool),
    Trade(&'a TradeRow, bool),
    Leg(&'a TradeRow, &'a LegRow),
}

impl PositionLine<'_> {
    pub fn key(&self) -> RowKey {
        match self {
            Self::Group(group, _) => RowKey::Group(group.symbol.clone()),
            Self::Trade(trade, _) => RowKey::Trade(trade.id),
            Self::Leg(trade, leg) => RowKey::Leg(trade.id, leg.instrument.clone()),
        }
    }
}

pub fn risk_rows<'a>(snapshot: &'a Snapshot, ui: &UiState) -> Vec<&'a RiskRow> {
    let filter = ui.filter(Panel::Risk);
    let mut rows: Vec<&RiskRow> =
        snapshot.underlyings.rows.iter().filter(|r| hit(&filter, &[r.symbol.as_str()])).collect();
    let size = |shown: Shown<f64>| shown.value.filter(|v| v.is_finite()).map_or(-1.0, f64::abs);
    let money =
        |shown: &Shown<crate::domain::Money>| shown.value.map_or(f64::INFINITY, crate::domain::Money::to_f64);
    let by_size = |rows: &mut Vec<&'a RiskRow>, of: fn(&RiskRow) -> Shown<f64>| {
        rows.sort_by(|a, b| size(of(b)).total_cmp(&size(of(a))));
    };
    match ui.risk_sort {
        // The order of the snapshot.
        RiskSort::BetaDelta => {}
        RiskSort::Symbol => rows.sort_by(|a, b| a.symbol.cmp(&b.symbol)),
        RiskSort::Theta => by_size(&mut rows, |row| row.sums.theta_day.bare()),
        RiskSort::Vega => by_size(&mut rows, |row| row.sums.vega_point.bare()),
        RiskSort::Worst => by_size(&mut rows, |row| row.sums.worst.bare()),
        RiskSort::Var => by_size(&mut rows, |row| row.sums.var95.bare()),
        RiskSort::Day => rows.sort_by(|a, b| money(&a.sums.day).total_cmp(&money(&b.sums.day))),
        RiskSort::Open => rows.sort_by(|a, b| money(&a.sums.open).total_cmp(&money(&b.sums.open))),
    }
    rows
}

pub fn position_lines<'a>(snapshot: &'a Snapshot, ui: &UiState) -> Vec<PositionLine<'a>> {
    let filter = ui.filter(Panel::Positions);
    let mut lines = Vec::new();
    for group in &snapshot.positions.groups {
        let by_symbol = hit(&filter, &[group.symbol.as_str(), &group.summary]);
        let trades: Vec<&TradeRow> =
            group.trades.iter().filter(|t| by_symbol || trade_hit(&filter, t)).collect();
        if trades.is_empty() && !by_symbol {
            continue;
        }
        let open = ui.is_open(&RowKey::Group(group.symbol.clone()), group.trades.len() > 1);
        lines.push(PositionLine::Group(group, open));
        if !open {
            continue;
        }
        for trade in trades {
            let open = ui.is_open(&RowKey::Trade(trade.id), false);
            lines.push(PositionLine::Trade(trade, open));
            if open {
                lines.extend(trade.legs.iter().map(|leg| PositionLine::Leg(trade, leg)));
            }
        }
    }
    lines
}

pub fn todo_rows<'a>(snapshot: &'a Snapshot, ui: &UiState) -> Vec<&'a BlotterRow> {
    let filter = ui.filter(Panel::Blotter);
    snapshot
        .blotter
        .iter()
        .filter(|r| hit(&filter, &[&r.action, &r.portfolio, &r.account, r.urgency.tag(), &r.why]))
        .collect()
}

fn trade_hit(filter: &str, trade: &TradeRow) -> bool {
    let book = trade.portfolio.as_deref().unwrap_or("unassigned");
    hit(filter, &[&trade.label, book, &trade.strategy.words(), &trade.rule])
}

fn hit(filter: &str, fields: &[&str]) -> bool {
    filter.is_empty() || fields.iter().any(|f| f.to_lowercase().contains(filter))
}

/// The keys of a panel from top to bottom. The scenario matrix is read row by row.
pub fn keys(panel: Panel, snapshot: &Snapshot, ui: &UiState) -> Vec<RowKey> {
    match panel {
        Panel::Market => Vec::new(),
        Panel::Risk => {
            risk_rows(snapshot, ui).into_iter().map(|r| RowKey::Underlying(r.symbol.clone())).collect()
        }
        Panel::Scenario => {
            let column = ui.scenario_column(snapshot);
            (0..snapshot.scenario.cells.len()).map(|row| RowKey::Cell { row, column }).collect()
        }
        Panel::Positions => position_lines(snapshot, ui).iter().map(PositionLine::key).collect(),
        Panel::Blotter => todo_rows(snapshot, ui).into_iter().map(|r| RowKey::Todo(r.key.clone())).collect(),
    }
}

/// Rows that want attention, in the order of the screen.
pub fn problems(snapshot: &Snapshot, ui: &UiState) -> Vec<(Panel, RowKey)> {
    let pressed = |row: &RiskRow| {
        row.sums.unpriced > 0 || row.binding.as_ref().is_some_and(|limit| limit.state >= LimitState::Near)
    };
    let risk = risk_rows(snapshot, ui)
        .into_iter()
        .filter(|r| pressed(r))
        .map(|r| (Panel::Risk, RowKey::Underlying(r.symbol.clone())));
    let positions = position_lines(snapshot, ui).into_iter().filter_map(|line| match line {
        PositionLine::Trade(trade, _)
            if trade
                .flags
                .iter()
                .any(|f| matches!(f, Flag::Unpriced | Flag::AssignmentRisk | Flag::ExitDue)) =>
        {
            Some((Panel::Positions, RowKey::Trade(trade.id)))
        }
        _ => None,
    });
    let todo = todo_rows(snapshot, ui)
        .into_iter()
        .filter(|r| r.to_do)
        .map(|r| (Panel::Blotter, RowKey::Todo(r.key.clone())));
    risk.chain(positions).chain(todo).collect()
}

pub fn trade(snapshot: &Snapshot, id: TradeId) -> Option<&TradeRow> {
    snapshot.positions.groups.iter().flat_map(|g| &g.trades).find(|t| t.id == id)
}

/// The trade that a row stands for.
pub fn trade_of(snapshot: &Snapshot, key: &RowKey) -> Option<TradeId> {
    match key {
        RowKey::Trade(id) | RowKey::Leg(id, _) => Some(*id),
        RowKey::Todo(key) => snapshot.blotter.iter().find(|r| r.key == *key)?.trade,
        RowKey::Group(symbol) => {
            let group = snapshot.positions.groups.iter().find(|g| g.symbol == *symbol)?;
            match group.trades.as_slice() {
                [only] => Some(only.id),
                _ => None,
            }
        }
        RowKey::Underlying(_) | RowKey::Cell { .. } => None,
    }
}

/// The underlying that a row belongs to.
pub fn symbol_of(snapshot: &Snapshot, key: &RowKey) -> Option<Symbol> {
    match key {
        RowKey::Underlying(symbol) | RowKey::Group(symbol) => Some(symbol.clone()),
        RowKey::Trade(id) | RowKey::Leg(id, _) => snapshot
            .positions
            .groups
            .iter()
            .find(|g| g.trades.iter().any(|t| t.id == *id))
            .map(|g| g.symbol.clone()),
        RowKey::Todo(key) => snapshot.blotter.iter().find(|r| r.key == *key)?.underlying.clone(),
        RowKey::Cell { .. } => snapshot.view.scenario_of.clone(),
    }
}
