//! The market as it enters the record: with decisions, and once a day at the close.

use super::troubles::Subject;
use super::{Engine, Step};
use crate::domain::event::{DayClosed, EquityAtClose, ExposureAtClose, MarketObserved};
use crate::domain::market_context::{IvSource, LegMark, MarketContext, Model, UnderlyingFactors};
use crate::domain::time::new_york_date;
use crate::domain::view::Scope;
use crate::domain::{Event, Instrument, Money, Price, Reading, Symbol, Timestamp, Trade};
use crate::market::view::{MarketView, OptionReading, PricingModel, VolSource};
use crate::risk::exposure::exposures;
use crate::risk::valuation::{self, Total};

impl Engine {
    /// The context of a decision, unless one that is recent enough is in the record already or there is no
    /// market at all.
    pub(super) fn context_event(
        &self,
        step: &Step,
        now: Timestamp,
        seconds: i64,
        also: &[Instrument],
    ) -> Option<Event> {
        let recent = self.observed(step).is_some_and(|observed| (now - observed.at).num_seconds() < seconds);
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
            .map(|instrument| leg_mark(instrument, market))
            .collect();
        MarketContext {
            as_of: market.now(),
            revision: self.revision,
            rate: market.rate(30.0 / 365.0),
            rates_as_of: Some(self.config.rates_as_of),
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
        if !self.troubles.may_try(Subject::Close, now) {
            return None;
        }
        let market = self.market(now);
        // The close is a record for good: nothing stale goes into it. The next second may be better.
        if self.books.instruments().iter().any(|i| matches!(market.mark(i), Reading::Stale { .. })) {
            return None;
        }
        // Whatever the screen shows at this moment: all real trades, no WhatIfs.
        let belongs = self.belongs();
        let mut real =
            super::risk_book::book(&self.books, &market, |it: &Trade| it.is_open() && belongs(it), &belongs);
        let legs = std::mem::take(&mut real.legs);
        real.legs = legs.into_iter().filter(|leg| real.in_scope(leg, &Scope::AllReal)).collect();
        let real = exposures(&real);
        let exposures = real
            .underlyings
            .iter()
            .map(|row| {
                let known = Some(&row.exposure).filter(|_| row.coverage.unpriced < row.coverage.legs);
                ExposureAtClose {
                    underlying: row.symbol.clone(),
                    delta_shares: known.map(|of| of.delta_shares),
                    beta_weighted_delta: known.map(|of| of.beta_weighted_delta),
                    gamma_pnl_1pct: known.map(|of| of.gamma_pnl_1pct),
                    theta_day: known.map(|of| of.theta_day),
                    vega_point: known.map(|of| of.vega_point),
                    iv30: market.iv30(&row.symbol).map(|iv| iv.value),
                    complete: row.coverage.complete,
                }
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
            equity: super::risk_book::open_pnl(&self.books, market, held.portfolio.id, self.belongs())
                .whole()
                .known()
                .map(|pnl| held.portfolio.capital + *pnl),
        });
        accounts.chain(portfolios).collect()
    }

    /// Cash and positions at their marks.
    pub(super) fn net_liq(&self, account: crate::domain::AccountId, market: &MarketView) -> Total {
        let mut total = Total::default();
        let recorded = || self.books.accounts.get(&account).and_then(|held| held.balances.as_ref());
        let latest = self.balances.get(&account).filter(|_| self.read_only.is_none());
        let cash: Option<Money> = latest.or_else(recorded).and_then(|balances| balances.cash);
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

fn leg_mark(instrument: &Instrument, market: &MarketView) -> LegMark {
    let quote = market.raw_quote(instrument);
    let mark = market.mark(instrument);
    let option = instrument.option().map(|_| market.option(instrument));
    let iv = option.as_ref().map(|option| option.inputs.map(|inputs| inputs.vol_annual));
    let known = |option: &&OptionReading| option.inputs.known().is_some();
    LegMark {
        instrument: instrument.broker_symbol(),
        bid: quote.and_then(|quote| quote.bid),
        ask: quote.and_then(|quote| quote.ask),
        quote_age_seconds: market.quote_age_seconds(instrument),
        mark: mark.known().copied(),
        mark_standing: Some(mark.standing()),
        iv: iv.and_then(|iv| iv.known().copied()),
        iv_standing: iv.map(|iv| iv.standing()),
        iv_source: option.as_ref().filter(known).map(|option| match option.vol_source {
            VolSource::Mid => IvSource::Mid,
            VolSource::Ask => IvSource::Ask,
            VolSource::Neighbour => IvSource::Neighbour,
        }),
        model: option.as_ref().filter(known).map(|option| match option.model {
            PricingModel::European => Model::European,
            PricingModel::American => Model::American,
            PricingModel::Black76 => Model::Black76,
        }),
    }
}

fn factors(symbol: &Symbol, market: &MarketView) -> UnderlyingFactors {
    let metrics = market.metrics(symbol);
    let dividend = market.next_dividend(symbol);
    let spot = market.spot(symbol);
    let iv30 = market.iv30(symbol);
    let beta = market.beta(symbol);
    let daily_vol = market.daily_vol(symbol);
    UnderlyingFactors {
        symbol: symbol.clone(),
        spot: spot.known().copied(),
        spot_standing: Some(spot.standing()),
        previous_close: market.previous_close(&Instrument::watched(symbol)).map(Price::to_f64),
        iv30: iv30.map(|iv| iv.value),
        iv30_source: iv30.map(|iv| iv.source),
        iv_rank: metrics.and_then(|metrics| metrics.iv_rank),
        beta: Some(beta.value),
        beta_source: Some(beta.source),
        daily_vol: daily_vol.map(|vol| vol.value),
        daily_vol_source: daily_vol.map(|vol| vol.source),
        next_ex_date: dividend.map(|dividend| dividend.ex_date),
        dividend: dividend.and_then(|dividend| Price::from_f64(dividend.amount)).map(|amount| amount.0),
        dividend_source: market.dividend_source(symbol),
        dividend_yield: market.dividend_yield(symbol).filter(|_| dividend.is_none()),
        metrics_at: metrics.and_then(|metrics| metrics.at),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::domain::freshness::{Standing, Unusable};
    use crate::domain::market_context::BetaSource;
    use crate::market::board::Board;
    use crate::market::rates::RateCurve;
    use crate::market::update::{MarketUpdate, RawQuote, Source};
    use crate::market::view::MarketConfig;

    #[test]
    fn the_record_says_how_fresh_a_value_was_and_what_was_assumed() {
        let xyz = Symbol::new("XYZ").unwrap();
        let share = Instrument::Equity(xyz.clone());
        let received = DateTime::from_timestamp(1_795_190_000, 0).unwrap();
        let quote = RawQuote {
            bid: Price::from_f64(99.0),
            ask: Price::from_f64(101.0),
            bid_size: None,
            ask_size: None,
            at: None,
            received,
        };
        let mut board = Board::default();
        board.apply(MarketUpdate::Quote { instrument: share.clone(), quote, source: Source::Read });
        let config = MarketConfig::new(RateCurve::flat(0.04).unwrap(), Symbol::new("SPY").unwrap());
        let at = |seconds| board.view(received + TimeDelta::seconds(seconds), &config);

        let known = factors(&xyz, &at(1));
        assert_eq!((known.spot, known.spot_standing), (Some(100.0), Some(Standing::Live)));
        assert_eq!((known.beta, known.beta_source), (Some(1.0), Some(BetaSource::Assumed)));
        assert_eq!((known.daily_vol, known.daily_vol_source), (None, None));
        assert_eq!(factors(&xyz, &at(60)).spot_standing, Some(Standing::StaleSeconds(60)));
        let missing = factors(&config.benchmark, &at(1));
        assert_eq!(missing.spot_standing, Some(Standing::Unusable(Unusable::Missing)));

        let mark = leg_mark(&share, &at(60));
        assert_eq!(mark.mark_standing, Some(Standing::StaleSeconds(60)));
        assert_eq!((mark.quote_age_seconds, mark.iv_standing, mark.model), (Some(60), None, None));
    }
}
