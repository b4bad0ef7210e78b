//! Routing a trade to a portfolio, and discarding what was never real.

use crate::booking::routing;
use crate::containers::Containers;
use crate::domain::event::{TradeClosed, TradeMoved};
use crate::domain::trade::{CloseReason, TradeStep};
use crate::domain::{Event, PortfolioId, Refusal, Trade, TradeId};

use super::journal::checked_text;

pub fn relocate(books: &Containers, trade: TradeId, to: PortfolioId) -> Result<Event, Refusal> {
    let trade = find(books, trade)?;
    routing::check(books, trade, to)?;
    Ok(Event::TradeMoved(TradeMoved { trade: trade.id, from: trade.portfolio, to }))
}

pub fn discard(books: &Containers, trade: TradeId, reason: &str) -> Result<Event, Refusal> {
    let trade = find(books, trade)?;
    let why = CloseReason::Abandoned;
    if trade.is_open() {
        return Err(Refusal::NotAWhatIf);
    }
    trade.state.next(TradeStep::Close { why })?;
    if books.orders.values().any(|order| order.ticket.trade == trade.id && !order.state.has_ended()) {
        let why = "an order of it is staged or at the broker: take that back first (O)".to_owned();
        return Err(Refusal::NotOrderable { why });
    }
    let rationale = checked_text(reason)?;
    Ok(Event::TradeClosed(TradeClosed { trade: trade.id, why, rationale: Some(rationale) }))
}

fn find(books: &Containers, id: TradeId) -> Result<&Trade, Refusal> {
    books.trades.get(&id).ok_or(Refusal::UnknownTrade(id))
}
