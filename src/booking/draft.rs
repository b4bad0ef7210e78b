//! Strikes and expiry for a recipe, from the listed chain and its quotes.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::domain::command_line::{BadLine, BookingLine};
use crate::domain::label::short_date;
use crate::domain::time::days_to;
use crate::domain::{Instrument, Leg, Price, Refusal, Right, Strategy, Symbol, Timestamp};
use crate::market::update::{ChainStrike, Expiration, OptionChain};
use crate::market::view::MarketView;

/// Days, delta and width that a line may leave out.
pub const DEFAULT_DAYS: u32 = 45;
const DEFAULT_WIDTH: i64 = 5;

#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    pub strategy: Strategy,
    pub legs: Vec<Leg>,
    /// "nearest listed to 45 d: 31 Dec, 41 d", "short put 635 at 15.8Δ"
    pub notes: Vec<String>,
}

/// The listed expiry nearest to the wished days; of two equally near, the sooner.
pub fn nearest_expiry(chain: &OptionChain, days: u32, now: Timestamp) -> Option<&Expiration> {
    chain
        .expirations
        .iter()
        .filter(|expiration| days_to(expiration.date, now) >= 0 && !expiration.strikes.is_empty())
        .min_by_key(|expiration| {
            let actual = days_to(expiration.date, now);
            ((actual - i64::from(days)).abs(), actual)
        })
}

/// Contracts around the spot whose quotes a draft may need.
pub fn candidates(expiration: &Expiration, spot: f64) -> Vec<Instrument> {
    expiration
        .strikes
        .iter()
        .filter(|row| row.strike.to_f64().is_some_and(|k| (k / spot - 1.0).abs() <= 0.25))
        .flat_map(|row| [row.call.clone(), row.put.clone()])
        .collect()
}

pub fn draft(line: &BookingLine, chain: &OptionChain, market: &MarketView) -> Result<Draft, Refusal> {
    let now = market.now();
    let days = line.days.unwrap_or(DEFAULT_DAYS);
    let expiration =
        nearest_expiry(chain, days, now).ok_or_else(|| Refusal::NoChain(line.underlying.clone()))?;
    let actual = days_to(expiration.date, now);
    let date = short_date(expiration.date, chrono::Datelike::year(&now));
    let mut notes = vec![format!("nearest listed to {days} d: {date}, {actual} d")];
    let pick = Picker { line, expiration, market };
    let wings: &[Right] = match (line.strategy, line.right) {
        (Strategy::IronCondor, _) => &[Right::Put, Right::Call],
        (Strategy::VerticalSpread, Some(Right::Call)) => &[Right::Call],
        (Strategy::VerticalSpread, Some(Right::Put)) => &[Right::Put],
        (Strategy::VerticalSpread, None) => return Err(Refusal::BadLine(BadLine::NoSide)),
        (other, _) => return Err(Refusal::NotBookable { strategy: other.words() }),
    };
    let mut legs = Vec::new();
    for right in wings {
        legs.extend(pick.spread(*right, &mut notes)?);
    }
    if crossed(&legs) {
        return Err(pick.no_strikes("put and call side overlap; take a delta well below 50"));
    }
    Ok(Draft { strategy: line.strategy, legs, notes })
}

/// A put struck at or above a call: what is certain to be exercised is no condor.
fn crossed(legs: &[Leg]) -> bool {
    let strikes = |right| {
        let contracts = legs.iter().filter_map(|leg| leg.instrument.option());
        contracts.filter(move |contract| contract.right == right).map(|contract| contract.strike)
    };
    strikes(Right::Put).max().zip(strikes(Right::Call).min()).is_some_and(|(put, call)| put >= call)
}

struct Picker<'a> {
    line: &'a BookingLine,
    expiration: &'a Expiration,
    market: &'a MarketView,
}

impl Picker<'_> {
    /// The short strike by delta, the long one a width further out.
    fn spread(&self, right: Right, notes: &mut Vec<String>) -> Result<[Leg; 2], Refusal> {
        let target = f64::from(self.line.delta.unwrap_or(self.default_delta())) / 100.0;
        let (near, delta) = self
            .expiration
            .strikes
            .iter()
            .filter_map(|row| Some((row, self.delta(side(row, right))?.abs())))
            .filter(|(_, delta)| *delta <= 0.6)
            .min_by(|a, b| (a.1 - target).abs().total_cmp(&(b.1 - target).abs()))
            .ok_or_else(|| self.no_strikes("no option of this expiry has a live two-sided quote"))?;
        let width = self.line.width.unwrap_or(Decimal::from(DEFAULT_WIDTH));
        let wanted = match right {
            Right::Put => near.strike - width,
            Right::Call => near.strike + width,
        };
        let far = self
            .expiration
            .strikes
            .iter()
            .filter(
                |row| if right == Right::Put { row.strike < near.strike } else { row.strike > near.strike },
            )
            .filter(|row| self.delta(side(row, right)).is_some())
            .min_by_key(|row| (row.strike - wanted).abs())
            .ok_or_else(|| self.no_strikes("no quoted strike further out"))?;
        if far.strike != wanted {
            let actual = (far.strike - near.strike).abs().normalize();
            notes.push(format!("{width} wide is not listed: {actual} wide"));
        }
        let word = if right == Right::Put { "put" } else { "call" };
        let held = if self.line.debit { "long" } else { "short" };
        notes.push(format!("{held} {word} {} at {:.1}Δ", near.strike.normalize(), delta * 100.0));
        let lots = Decimal::from(self.line.lots);
        let (short, long) = if self.line.debit { (lots, -lots) } else { (-lots, lots) };
        Ok([self.leg(side(near, right), short)?, self.leg(side(far, right), long)?])
    }

    fn default_delta(&self) -> u32 {
        if self.line.strategy == Strategy::IronCondor { 16 } else { 30 }
    }

    fn delta(&self, instrument: &Instrument) -> Option<f64> {
        let reading = self.market.option(instrument);
        let inputs = reading.inputs.live()?;
        self.market.quote(instrument).live()?;
        Some(reading.exercise.delta(inputs))
    }

    /// A WhatIf enters at the mid, rounded to the cent.
    fn leg(&self, instrument: &Instrument, quantity: Decimal) -> Result<Leg, Refusal> {
        let mid: Price = self
            .market
            .quote(instrument)
            .live()
            .map(|quote| quote.mid)
            .ok_or_else(|| Refusal::StaleMarket(self.symbol()))?;
        Ok(Leg { instrument: instrument.clone(), quantity, entry: Some(mid.to_cents()) })
    }

    fn symbol(&self) -> Symbol {
        self.line.underlying.clone()
    }

    fn no_strikes(&self, why: &str) -> Refusal {
        Refusal::NoStrikes { underlying: self.symbol(), why: why.to_owned() }
    }
}

fn side(row: &ChainStrike, right: Right) -> &Instrument {
    match right {
        Right::Call => &row.call,
        Right::Put => &row.put,
    }
}
