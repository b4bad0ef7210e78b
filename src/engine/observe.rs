//! The market as it enters the record: with decisions, and once a day at the close.

use super::Engine;
use crate::domain::event::{DayClosed, EquityAtClose, ExposureAtClose, MarketObserved};
use crate::domain::market_context::{LegMark, MarketContext, UnderlyingFactors};
use crate::domain::time::new_york_date;
use crate::domain::view::Scope;
use crate::domain::{Event, Instrument, Money, Reading, Symbol, Timestamp, Trade};
use crate::market::view::MarketView;
use crate::risk::exposure::exposures;
use crate::risk::valuation::{self, Total};

impl Engine {
    /// The context of a decision, unless one that is recent enough is in the record already or there is no
    /// market at all.
    pub(super) fn context_event(&self, now: Timestamp, seconds: i64, also: &[Instrument]) -> Option<Event> {
        let recent = self.observed.is_some_and(|observed| (now - observed.at).num_seconds() < seconds);
        if recent || self.watch.instruments.is_empty() {
            return None;
        }
        let context = self.context(&self.market(now), also);
        let known = context.underlyings.iter().any(|factors| factors.spot.is_some());
        known.then_some(Event::MarketObserved(MarketObserved { context }))
    }

    fn context(&self, market: &MarketView, also: &[Instrument]) -> MarketContext {
        let underlyings = self.watch.underlyings.iter().map(|symbol| factors(symbol, market)).collect();
        let marks = self
            .books
            .instruments()
            .iter()
            .chain(also)
            .map(|instrument| {
                let quote = market.raw_quote(instrument);
                LegMark {
                    instrument: instrument.broker_symbol(),
                    bid: quote.and_then(|quote| quote.bid),
                    ask: quote.and_then(|quote| quote.ask),
                    mark: market.mark(instrument).known().copied(),
                    iv: instrument.option().and_then(|_| {
                        market.option(instrument).inputs.known().map(|inputs| inputs.vol_annual)
                    }),
                }
            })
            .collect();
        MarketContext {
            as_of: market.now(),
            revision: self.revision,
            rate: market.rate(30.0 / 365.0),
            underlyings,
            marks,
        }
    }

    /// Due once a session, after its close, on the day itself, with a complete picture.
    pub(super) fn close_of_day(&self, now: Timestamp) -> Option<Event> {
        let market_config = &self.config.market;
        let date = new_york_date(now);
        let closed = market_config.calendar.is_session(date) && market_config.calendar.close_at(date) <= now;
        let recorded = self.books.last_close.is_some_and(|last| last >= date);
        if !closed || recorded || self.read_only.is_some() || self.last_refresh.is_none() {
            return None;
        }
        let market = self.market(now);
        // The close is a record for good: nothing stale goes into it. The next second may be better.
        if self.books.instruments().iter().any(|i| matches!(market.mark(i), Reading::Stale { .. })) {
            return None;
        }
        // Whatever the screen shows at this moment: all real trades, no WhatIfs.
        let mut real = super::risk_book::book(&self.books, &market, |trade: &Trade| trade.is_open());
        let legs = std::mem::take(&mut real.legs);
        real.legs = legs.into_iter().filter(|leg| real.in_scope(leg, &Scope::AllReal)).collect();
        let real = exposures(&real);
        let exposures = real
            .underlyings
            .iter()
            .map(|row| ExposureAtClose {
                underlying: row.symbol.clone(),
                delta_shares: row.exposure.delta_shares,
                beta_weighted_delta: row.exposure.beta_weighted_delta,
                gamma_pnl_1pct: row.exposure.gamma_pnl_1pct,
                theta_day: row.exposure.theta_day,
                vega_point: row.exposure.vega_point,
                iv30: market.iv30(&row.symbol).map(|iv| iv.value),
                complete: row.coverage.complete,
            })
            .collect();
        Some(Event::DayClosed(DayClosed {
            date,
            equity: self.equities(&market),
            exposures,
            context: self.context(&market, &[]),
        }))
    }

    fn equities(&self, market: &MarketView) -> Vec<EquityAtClose> {
        let accounts = self.books.accounts.values().map(|held| EquityAtClose {
            portfolio: None,
            account: Some(held.account.id),
            equity: self.net_liq(held.account.id, market).whole().known().copied(),
        });
        let portfolios = self.books.portfolios.values().map(|held| EquityAtClose {
            portfolio: Some(held.portfolio.id),
            account: held.account,
            equity: super::risk_book::open_pnl(&self.books, market, held.portfolio.id)
                .whole()
                .known()
                .map(|pnl| held.portfolio.capital + *pnl),
        });
        accounts.chain(portfolios).collect()
    }

    /// Cash and positions at their marks.
    pub(super) fn net_liq(&self, account: crate::domain::AccountId, market: &MarketView) -> Total {
        let mut total = Total::default();
        let cash: Option<Money> = self
            .balances
            .get(&account)
            .or_else(|| self.books.accounts.get(&account).and_then(|held| held.balances.as_ref()))
            .and_then(|balances| balances.cash);
        total.add(&match cash {
            Some(value) => Reading::Live { value },
            None => Reading::Unusable { why: crate::domain::freshness::Unusable::Missing },
        });
        for trade in self.books.open_trades().filter(|trade| trade.account == Some(account)) {
            for leg in &trade.legs {
                total.add(&valuation::leg(leg, trade.opened_at, market).value);
            }
        }
        total
    }
}

fn factors(symbol: &Symbol, market: &MarketView) -> UnderlyingFactors {
    let metrics = market.metrics(symbol);
    let dividend = market.next_dividend(symbol);
    UnderlyingFactors {
        symbol: symbol.clone(),
        spot: market.spot(symbol).known().copied(),
        previous_close: market.previous_close(&Instrument::watched(symbol)).map(crate::domain::Price::to_f64),
        iv30: market.iv30(symbol).map(|iv| iv.value),
        iv_rank: metrics.and_then(|metrics| metrics.iv_rank),
        beta: Some(market.beta(symbol).value),
        daily_vol: market.daily_vol(symbol),
        next_ex_date: dividend.map(|dividend| dividend.ex_date),
        dividend: metrics.and_then(|metrics| metrics.next_dividend),
    }
}
