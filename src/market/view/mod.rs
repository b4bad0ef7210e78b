//! The immutable picture of one moment: what the centre reads. Every price says whether it is live, how
//! old it is, or why it cannot be used; what depends on a stale price is stale.
//!
//! Cheap to clone and to take; what costs is derived on demand and kept with the picture.

mod forward;
mod option;
mod underlying;
mod vols;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;

use super::board::{Contents, Slot, Stamped, is_young};
use super::calendar::Calendar;
use super::dividends::DividendPlan;
use super::events::DatedEvents;
use super::quote::{self, Quality, Sides, TwoSided};
use super::rates::RateCurve;
use super::update::{Epoch, Increment, OptionChain, RawQuote, Source};
use crate::domain::freshness::Unusable;
use crate::domain::instrument::is_index;
use crate::domain::report::MarketSession;
use crate::domain::{Instrument, OptionContract, Price, Reading, Symbol, Timestamp, TradingDate};

pub use forward::{Forward, ForwardSource};
pub use option::{OptionReading, PricingModel, VolSource};
pub use underlying::{
    Beta, BetaSource, DailyVol, DailyVolSource, DividendSource, Iv30, Iv30Source, VolatilityTerm,
};
pub use vols::VolMemo;

/// What the trader has settled about the market.
#[derive(Debug, Clone, PartialEq)]
pub struct MarketConfig {
    pub rates: RateCurve,
    /// What betas are measured against.
    pub benchmark: Symbol,
    pub calendar: Calendar,
    pub events: DatedEvents,
    pub overrides: BTreeMap<Symbol, UnderlyingOverride>,
    /// A streamed value is live while the link was heard within this time.
    pub link_live_seconds: i64,
    /// A value that was only read once is live for this time.
    pub read_live_seconds: i64,
    /// In regular hours the benchmark is never silent for longer than this on a stream that works.
    pub canary_seconds: i64,
}

impl MarketConfig {
    pub fn new(rates: RateCurve, benchmark: Symbol) -> Self {
        Self {
            rates,
            benchmark,
            calendar: Calendar::default(),
            events: DatedEvents::default(),
            overrides: BTreeMap::new(),
            link_live_seconds: 15,
            read_live_seconds: 15,
            canary_seconds: 10,
        }
    }
}

/// What the trader knows better than data and broker about one underlying.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UnderlyingOverride {
    pub beta: Option<f64>,
    pub daily_vol: Option<f64>,
    /// Continuous; taken where no `dividends` are given.
    pub dividend_yield: Option<f64>,
    pub dividends: Option<DividendPlan>,
    /// Days between payments, where the amount comes from the broker.
    pub dividend_spacing_days: Option<u16>,
}

#[derive(Debug, Clone)]
pub struct MarketView(Arc<Inner>);

/// By root and expiry; `None` where parity gives none.
type ForwardMemo = HashMap<(Symbol, TradingDate), Option<Reading<f64>>>;

/// How the market stream stands at the moment of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Of which connection values are live.
    pub live_epoch: Option<Epoch>,
    pub lost: Option<Timestamp>,
    /// For how many seconds the benchmark has been silent, where that is too long.
    pub canary_silent: Option<i64>,
}

#[derive(Debug)]
struct Inner {
    now: Timestamp,
    config: MarketConfig,
    contents: Contents,
    standing: Standing,
    revision: u64,
    options: Mutex<HashMap<Instrument, OptionReading>>,
    forwards: Mutex<ForwardMemo>,
}

impl MarketView {
    pub(super) fn new(
        now: Timestamp,
        config: MarketConfig,
        contents: Contents,
        standing: Standing,
        revision: u64,
    ) -> Self {
        Self(Arc::new(Inner {
            now,
            config,
            contents,
            standing,
            revision,
            options: Mutex::default(),
            forwards: Mutex::default(),
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.0.now
    }

    /// Of the board when the picture was taken.
    pub fn revision(&self) -> u64 {
        self.0.revision
    }

    pub fn config(&self) -> &MarketConfig {
        &self.0.config
    }

    pub fn calendar(&self) -> &Calendar {
        &self.0.config.calendar
    }

    pub fn benchmark(&self) -> &Symbol {
        &self.0.config.benchmark
    }

    /// The zero rate for a term.
    pub fn rate(&self, tte_years: f64) -> f64 {
        self.0.config.rates.zero(tte_years)
    }

    /// By the calendar; the broker may know better.
    pub fn session(&self) -> MarketSession {
        self.calendar().session_state(self.now())
    }

    /// Whether streamed values are live at all.
    pub fn stream_is_live(&self) -> bool {
        self.0.standing.live_epoch.is_some()
    }

    /// For how many seconds the benchmark has been silent in regular hours on a stream that stands, where that is too
    /// long for a stream that still brings the market.
    pub fn canary_silent(&self) -> Option<i64> {
        self.0.standing.canary_silent
    }

    pub fn chain(&self, symbol: &Symbol) -> Option<&Arc<OptionChain>> {
        self.0.contents.chains.get(symbol)
    }

    /// What prices of this contract are multiples of, as its chain says; empty where it does not.
    pub fn increments(&self, contract: &OptionContract) -> &[Increment] {
        let told = self.chain(&contract.underlying).and_then(|chain| chain.increments.get(&contract.root));
        told.map_or(&[], Vec::as_slice)
    }

    /// The underlying's price: last trade, else mid; an index by its last value.
    pub fn spot(&self, symbol: &Symbol) -> Reading<f64> {
        let index = Instrument::Index(symbol.clone());
        let share = Instrument::Equity(symbol.clone());
        let (first, second) = if is_index(symbol.as_str()) { (index, share) } else { (share, index) };
        let instrument = if self.slot(&first).is_some() { first } else { second };
        self.last_or_mid(&instrument).map(Price::to_f64)
    }

    /// The spot; where nothing of today is known, the close before, which is never live.
    pub fn spot_or_close(&self, symbol: &Symbol) -> Reading<f64> {
        let spot = self.spot(symbol);
        if spot.known().is_some() {
            return spot;
        }
        let instrument = if is_index(symbol.as_str()) {
            Instrument::Index(symbol.clone())
        } else {
            Instrument::Equity(symbol.clone())
        };
        let Some(close) = self.previous_close(&instrument) else { return spot };
        let today = crate::domain::time::new_york_date(self.now());
        let closed = self.calendar().close_at(self.calendar().previous_session(today));
        Reading::Stale { value: close.to_f64(), age_seconds: self.age(closed) }
    }

    pub fn quote(&self, instrument: &Instrument) -> Reading<TwoSided> {
        if self.is_expired(instrument) {
            return Reading::Unusable { why: Unusable::Expired };
        }
        match self.slot(instrument).and_then(|slot| slot.quote) {
            None => Reading::Unusable { why: Unusable::Missing },
            Some(held) => match quote::sides(&held.value) {
                Sides::Two(two) => self.standing(instrument, &held, two),
                Sides::AskOnly(_) => Reading::Unusable { why: Unusable::ZeroBid },
                Sides::None(why) => Reading::Unusable { why },
            },
        }
    }

    /// The price for profit and loss: the mid of an option, half the ask where nobody bids; the last trade
    /// of a share, else its mid.
    pub fn mark(&self, instrument: &Instrument) -> Reading<Price> {
        if instrument.option().is_none() {
            return self.last_or_mid(instrument);
        }
        match self.quote(instrument) {
            Reading::Unusable { why: Unusable::ZeroBid } => {
                self.ask_only(instrument).map(|ask| Price(ask.0 / TWO))
            }
            reading => reading.map(|two| two.mid),
        }
    }

    /// The ask of a quote that has no bid.
    fn ask_only(&self, instrument: &Instrument) -> Reading<Price> {
        match self.slot(instrument).and_then(|slot| slot.quote) {
            Some(held) => match quote::sides(&held.value) {
                Sides::AskOnly(ask) => self.standing(instrument, &held, ask),
                Sides::Two(_) => Reading::Unusable { why: Unusable::Dependent },
                Sides::None(why) => Reading::Unusable { why },
            },
            None => Reading::Unusable { why: Unusable::Missing },
        }
    }

    pub fn quality(&self, instrument: &Instrument) -> Quality {
        let held = self.slot(instrument).and_then(|slot| slot.quote);
        let live = held.is_some_and(|held| self.is_live(instrument, &held));
        let spot = self.spot(instrument.underlying()).known().copied();
        quote::quality(held.map(|held| held.value).as_ref(), live, spot)
    }

    /// Whether trading in it is halted, as far as it was last told.
    pub fn halted(&self, symbol: &Symbol) -> Option<bool> {
        let slot = self.slot(&Instrument::watched(symbol))?;
        let trades = || {
            // Of what a broker does not tell, the last trade speaks, and only for a while.
            let within = TimeDelta::from_std(slot.summary.trading_if_within?).ok()?;
            let traded = slot.trade?.value.at?;
            ((self.now() - traded).abs() <= within).then_some(false)
        };
        slot.summary.halted.or_else(trades)
    }

    /// A quote stands as live, whatever its sides are worth. None does while its underlying is halted.
    pub fn quote_is_live(&self, instrument: &Instrument) -> bool {
        self.slot(instrument).and_then(|slot| slot.quote).is_some_and(|held| self.is_live(instrument, &held))
    }

    /// The quote as it came, whatever it is worth.
    pub fn raw_quote(&self, instrument: &Instrument) -> Option<RawQuote> {
        self.slot(instrument)?.quote.map(|held| held.value)
    }

    /// Seconds since the last quote of this instrument reached us. A quiet symbol on a living link is live.
    pub fn quote_age_seconds(&self, instrument: &Instrument) -> Option<i64> {
        self.slot(instrument)?.quote.map(|held| self.age(held.received))
    }

    /// As the broker says; else the last daily bar before today.
    pub fn previous_close(&self, instrument: &Instrument) -> Option<Price> {
        let said = self.slot(instrument).and_then(|slot| slot.summary.previous_close);
        said.filter(|price| price.0 > rust_decimal::Decimal::ZERO).or_else(|| match instrument {
            Instrument::Option(_) => None,
            Instrument::Equity(symbol) | Instrument::Index(symbol) => {
                let today = crate::domain::time::new_york_date(self.now());
                let last = self.0.contents.series.get(symbol)?.until(self.yesterday()).last()?;
                // A close of some other day would make a day's change of many days.
                let is_previous = last.date == self.calendar().previous_session(today);
                is_previous.then(|| Price::from_f64(last.close)).flatten()
            }
        })
    }

    /// Open interest of a contract, as last reported.
    pub fn open_interest(&self, instrument: &Instrument) -> Option<f64> {
        self.slot(instrument)?.summary.open_interest
    }

    fn slot(&self, instrument: &Instrument) -> Option<&Slot> {
        self.0.contents.slots.get(instrument).map(Arc::as_ref)
    }

    fn last_or_mid(&self, instrument: &Instrument) -> Reading<Price> {
        let Some(slot) = self.slot(instrument) else { return Reading::Unusable { why: Unusable::Missing } };
        let last = match slot.trade.and_then(|held| held.value.price.map(|price| (held, price))) {
            None => Reading::Unusable { why: Unusable::Missing },
            Some((_, price)) if price.0 <= rust_decimal::Decimal::ZERO => {
                Reading::Unusable { why: Unusable::NotANumber }
            }
            Some((held, price)) => self.standing(instrument, &held, price),
        };
        if last.is_live() || matches!(instrument, Instrument::Index(_)) && last.known().is_some() {
            return last;
        }
        let mid = self.quote(instrument).map(|two| two.mid);
        match (&last, &mid) {
            (_, Reading::Live { .. }) | (Reading::Unusable { .. }, Reading::Stale { .. }) => mid,
            (Reading::Stale { .. }, _) => last,
            // Neither is known: the quote's reason says more than "no trade".
            (Reading::Unusable { why: Unusable::Missing }, _) => mid,
            _ => last,
        }
    }

    fn is_expired(&self, instrument: &Instrument) -> bool {
        instrument.option().is_some_and(|contract| self.calendar().expiry_instant(contract) <= self.now())
    }

    /// What is halted has no price of the present: the last one says what it was.
    fn is_live<T>(&self, instrument: &Instrument, held: &Stamped<T>) -> bool {
        if self.0.contents.halted.contains(instrument.underlying()) {
            return false;
        }
        match held.source {
            Source::Stream(epoch) => self.0.standing.live_epoch == Some(epoch),
            // Read before the stream was lost: nobody knows what has happened since.
            Source::Read => {
                self.0.standing.lost.is_none_or(|lost| held.received > lost)
                    && is_young(held.received, self.now(), self.0.config.read_live_seconds)
            }
        }
    }

    fn standing<T, U>(&self, instrument: &Instrument, held: &Stamped<T>, value: U) -> Reading<U> {
        if self.is_live(instrument, held) {
            Reading::Live { value }
        } else {
            Reading::Stale { value, age_seconds: self.age(held.received) }
        }
    }

    fn age(&self, received: Timestamp) -> i64 {
        (self.now() - received).num_seconds().max(0)
    }

    fn yesterday(&self) -> TradingDate {
        let today = crate::domain::time::new_york_date(self.now());
        today.pred_opt().unwrap_or(today)
    }
}

const TWO: rust_decimal::Decimal = rust_decimal::Decimal::TWO;

#[cfg(test)]
mod tests;
