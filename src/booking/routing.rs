//! Which portfolios a trade may stand in: those of its account that permit it. The move asks this, and so does
//! the list from which the trader picks.

use crate::containers::Containers;
use crate::domain::{AccountId, PortfolioId, Refusal, Trade, TradeKind};
use crate::risk::permission;

/// A portfolio that the trade is not in, and why it may not go there.
#[derive(Debug, Clone, PartialEq)]
pub struct Route {
    pub portfolio: PortfolioId,
    pub name: String,
    pub refused: Option<Refusal>,
}

pub fn check(books: &Containers, trade: &Trade, to: PortfolioId) -> Result<(), Refusal> {
    let held = books.portfolios.get(&to).ok_or_else(|| Refusal::UnknownPortfolio(to.to_string()))?;
    if trade.kind == TradeKind::Real
        && trade.account.is_some()
        && held.account != trade.account.map(AccountId::of_record)
    {
        return Err(Refusal::OtherAccount { portfolio: held.portfolio.name.clone() });
    }
    let kind = held.account.and_then(|id| books.accounts.get(&id)).map(|account| account.account.kind);
    // An adopted position exists already: refusing its home would only hide it. The screen flags it instead.
    if !trade.adopted
        && let Err(why) = permission::check(&held.portfolio, kind, trade.strategy, &trade.legs)
    {
        return Err(Refusal::NotAllowedThere { why: why.to_string() });
    }
    Ok(())
}

/// All other portfolios, those that may take it first.
pub fn routes(books: &Containers, trade: &Trade) -> Vec<Route> {
    let others = books.portfolios.values().filter(|held| trade.portfolio != Some(held.portfolio.id));
    let mut routes: Vec<Route> = others
        .map(|held| Route {
            portfolio: held.portfolio.id,
            name: held.portfolio.name.clone(),
            refused: check(books, trade, held.portfolio.id).err(),
        })
        .collect();
    routes.sort_by(|a, b| a.refused.is_some().cmp(&b.refused.is_some()).then_with(|| a.name.cmp(&b.name)));
    routes
}
