//! What a portfolio has made since the last close: what is open at the market, and what was closed today.

use rust_decimal::Decimal;

use crate::advisor::held::Held;
use crate::advisor::trade_facts;
use crate::domain::event::BookedFill;
use crate::domain::order::{OrderAction, Ticket};
use crate::domain::time::new_york_date;
use crate::domain::{Money, PortfolioId, Price, Timestamp, Trade};
use crate::engine::Engine;
use crate::market::view::MarketView;
use crate::risk::controls::DayFacts;

use super::facts::share;

impl Engine {
    pub(super) fn day(&self, ticket: &Ticket, market: &MarketView) -> DayFacts {
        let Some((key, equity)) = self.portfolio_of(ticket) else { return DayFacts::default() };
        let portfolio = self.books.trades.get(&ticket.trade).and_then(|trade| trade.portfolio);
        let nothing_held = Held::default();
        let belongs = self.belongs();
        let open = self.books.open_trades().filter(|trade| trade.portfolio == portfolio && belongs(trade));
        let open = open.map(|trade| {
            trade_facts::of(trade, &self.books, market, &nothing_held).day.whole().known().map(|d| d.to_f64())
        });
        let most = self.config.orders.day_loss.get(key).copied();
        let closed = self.closed_today(portfolio, market).map(Money::to_f64);
        let pnl = open.sum::<Option<f64>>().zip(closed).map(|(open, closed)| open + closed);
        DayFacts { pnl, most_loss: share(most, equity) }
    }

    /// Of what closing orders took away today. `None` where a price to measure it from is missing.
    fn closed_today(&self, portfolio: Option<PortfolioId>, market: &MarketView) -> Option<Money> {
        let today = new_york_date(market.now());
        let mut made = Money::default();
        let belongs = self.belongs();
        for order in self.books.orders.values().filter(|order| order.ticket.is_closing()) {
            let Some(trade) = self.books.trades.get(&order.ticket.trade) else { continue };
            if trade.portfolio != portfolio || !belongs(trade) {
                continue;
            }
            for booked in &order.fills {
                let at = booked.fill.at.unwrap_or(order.since);
                if new_york_date(at) == today {
                    made += gain(booked, base(trade, booked, at, market)?);
                }
            }
        }
        Some(made)
    }
}

/// The last close, or the entry where it was opened today.
fn base(trade: &Trade, booked: &BookedFill, at: Timestamp, market: &MarketView) -> Option<Price> {
    let entry =
        || trade.legs.iter().find(|leg| leg.instrument == booked.instrument).and_then(|leg| leg.entry);
    if new_york_date(trade.opened_at) == new_york_date(at) {
        return entry();
    }
    // Where the close is not known, all that it made or lost counts for today.
    market.previous_close(&booked.instrument).or_else(entry)
}

fn gain(booked: &BookedFill, base: Price) -> Money {
    let per_share = booked.fill.price.0 - base.0;
    let sign = if booked.action == OrderAction::SellToClose { Decimal::ONE } else { Decimal::NEGATIVE_ONE };
    let shares = booked.fill.quantity * Decimal::from(booked.instrument.multiplier());
    Money(sign * per_share * shares)
}
