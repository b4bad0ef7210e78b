//! What a portfolio has made since the last close: what is open at the market, what was closed today, and what today's
//! fills cost. Reports of fills carry no fees: those are estimated.

use rust_decimal::Decimal;

use crate::domain::event::BookedFill;
use crate::domain::order::{OrderAction, Ticket};
use crate::domain::time::new_york_date;
use crate::domain::{Money, PortfolioId, Price, Timestamp, Trade};
use crate::engine::Engine;
use crate::market::view::MarketView;
use crate::risk::controls::DayFacts;
use crate::risk::valuation;

use super::facts::share;

impl Engine {
    pub(super) fn day(&self, ticket: &Ticket, market: &MarketView) -> DayFacts {
        let Some((key, equity)) = self.portfolio_of(ticket) else { return DayFacts::default() };
        let portfolio = self.books.trades.get(&ticket.trade).and_then(|trade| trade.portfolio);
        let belongs = self.belongs();
        let of_portfolio = |trade: &&Trade| trade.portfolio == portfolio && belongs(trade);
        // Gross: fees are counted once, for all fills of the day.
        let gross = |trade: &Trade| -> Option<f64> {
            let legs = trade.legs.iter().map(|leg| valuation::leg(leg, trade.opened_at, market).day);
            legs.map(|day| day.known().map(|money| money.to_f64())).sum()
        };
        let open = self.books.open_trades().filter(of_portfolio).map(gross);
        let today = new_york_date(market.now());
        let fees = self.books.trades.values().filter(of_portfolio);
        let fees: Money =
            fees.map(|trade| self.books.estimated_fees(trade.id, |at| new_york_date(at) == today)).sum();
        let most = self.config.orders.day_loss.get(key).copied();
        let closed = self.closed_today(portfolio, market).map(Money::to_f64);
        let made = open.sum::<Option<f64>>().zip(closed);
        let pnl = made.map(|(open, closed)| open + closed - fees.to_f64());
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
