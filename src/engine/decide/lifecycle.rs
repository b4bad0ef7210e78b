//! Routing a trade to a portfolio, and discarding what was never real.

use crate::containers::Containers;
use crate::domain::event::{TradeClosed, TradeMoved};
use crate::domain::trade::{CloseReason, TradeStep};
use crate::domain::{Event, PortfolioId, Refusal, Trade, TradeId, TradeKind};
use crate::risk::permission;

use super::journal::checked_text;

pub fn relocate(books: &Containers, trade: TradeId, to: PortfolioId) -> Result<Event, Refusal> {
    let trade = find(books, trade)?;
    let held = books.portfolios.get(&to).ok_or_else(|| Refusal::UnknownPortfolio(to.to_string()))?;
    if trade.kind == TradeKind::Real && trade.account.is_some() && held.account != trade.account {
        return Err(Refusal::OtherAccount { portfolio: held.portfolio.name.clone() });
    }
    let kind = held.account.and_then(|id| books.accounts.get(&id)).map(|account| account.account.kind);
    // An adopted position exists already: refusing its home would only hide it. The screen flags it instead.
    if !trade.adopted
        && let Err(why) = permission::check(&held.portfolio, kind, trade.strategy, &trade.legs)
    {
        return Err(Refusal::NotAllowedThere { why: why.to_string() });
    }
    Ok(Event::TradeMoved(TradeMoved { trade: trade.id, from: trade.portfolio, to }))
}

pub fn discard(books: &Containers, trade: TradeId, reason: &str) -> Result<Event, Refusal> {
    let trade = find(books, trade)?;
    let why = CloseReason::Abandoned;
    if trade.is_open() {
        return Err(Refusal::NotAWhatIf);
    }
    trade.state.next(TradeStep::Close { why })?;
    let rationale = checked_text(reason)?;
    Ok(Event::TradeClosed(TradeClosed { trade: trade.id, why, rationale: Some(rationale) }))
}

fn find(books: &Containers, id: TradeId) -> Result<&Trade, Refusal> {
    books.trades.get(&id).ok_or(Refusal::UnknownTrade(id))
}
