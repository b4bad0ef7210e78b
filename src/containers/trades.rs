//! What each trade event does to the trades. A transition that the table does not know leaves the state
//! alone: `decide` has refused it already, and replay must never fail.

use std::collections::BTreeMap;

use crate::domain::event::{
    NoteKind, NoteRecorded, TradeAdopted, TradeClosed, TradeEvaluated, TradeIntended, TradeMoved,
    TradeResized,
};
use crate::domain::trade::TradeStep;
use crate::domain::{Timestamp, Trade, TradeId, TradeKind, TradeState};

type Trades = BTreeMap<TradeId, Trade>;

pub(super) fn intend(trades: &mut Trades, event: &TradeIntended, at: Timestamp) {
    let rationale = Some(event.rationale.clone()).filter(|text| !text.is_empty());
    trades.insert(
        event.trade,
        Trade {
            id: event.trade,
            kind: event.trade_kind,
            portfolio: event.portfolio,
            account: event.account,
            underlying: event.underlying.clone(),
            strategy: event.strategy,
            legs: event.legs.clone(),
            state: TradeState::Intent,
            opened_at: at,
            adopted: false,
            rationale,
            evaluation: None,
        },
    );
}

pub(super) fn evaluate(trades: &mut Trades, event: &TradeEvaluated) {
    step(trades, event.trade, TradeStep::Evaluate, |trade| trade.evaluation = Some(event.evaluation.clone()));
}

/// (none) → EXECUTED: only reality does this, when the broker holds what was never booked here.
pub(super) fn adopt(trades: &mut Trades, event: &TradeAdopted) {
    trades.insert(
        event.trade,
        Trade {
            id: event.trade,
            kind: TradeKind::Real,
            portfolio: event.portfolio,
            account: Some(event.account),
            underlying: event.underlying.clone(),
            strategy: event.strategy,
            legs: event.legs.clone(),
            state: TradeState::Executed,
            opened_at: event.opened_at,
            adopted: true,
            rationale: None,
            evaluation: None,
        },
    );
}

pub(super) fn resize(trades: &mut Trades, event: &TradeResized) {
    if let Some(trade) = trades.get_mut(&event.trade) {
        trade.legs.clone_from(&event.legs);
        trade.strategy = event.strategy;
    }
}

pub(super) fn relocate(trades: &mut Trades, event: &TradeMoved) {
    if let Some(trade) = trades.get_mut(&event.trade) {
        trade.portfolio = Some(event.to);
    }
}

pub(super) fn close(trades: &mut Trades, event: &TradeClosed) {
    step(trades, event.trade, TradeStep::Close { why: event.why }, |_| {});
}

pub(super) fn note(trades: &mut Trades, event: &NoteRecorded) {
    let Some(trade) = event.trade.and_then(|id| trades.get_mut(&id)) else { return };
    if trade.rationale.is_none() && event.note_kind == NoteKind::Decision {
        trade.rationale = Some(event.rationale.clone());
    }
}

fn step(trades: &mut Trades, id: TradeId, step: TradeStep, then: impl FnOnce(&mut Trade)) {
    let Some(trade) = trades.get_mut(&id) else { return };
    if let Ok(next) = trade.state.next(step) {
        trade.state = next;
        then(trade);
    }
}
