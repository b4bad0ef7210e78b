//! The odds of a structure at its expiry: how likely it makes money, all of it, or loses all of it; how likely a
//! short strike is touched before; what it is worth to hold.
//!
//! Measure: the forward of the expiry and one lognormal law, at the volatility of the options sold (of all
//! options where none is), weighted by size; a touch at the volatility of its own strike. Before fees, without
//! dividends on shares that are held.
//!
//! Never: answers where a leg has no volatility, where legs end at several expiries, or where nobody knows
//! what was paid.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::profile;
use crate::domain::freshness::Unusable;
use crate::domain::trade::{Touch, TradeOdds};
use crate::domain::{Leg, Money, Reading, Right};
use crate::market::view::{MarketView, VolSource};
use crate::pricing::OptionInputs;
use crate::pricing::expected_value;
use crate::pricing::payoff::ExpiryPnl;
use crate::pricing::probability::{Lognormal, Odds};

/// Why there are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoOdds {
    NoExpiry,
    SeveralExpiries,
    NoEntry,
    /// The leg, as the broker writes it.
    Unpriced {
        leg: String,
        why: Unusable,
    },
}

impl std::fmt::Display for NoOdds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoExpiry => f.write_str("shares alone have no expiry"),
            Self::SeveralExpiries => f.write_str("its legs end at several expiries"),
            Self::NoEntry => f.write_str("an entry price is not known"),
            Self::Unpriced { leg, why } => write!(f, "{leg}: {}", why.words()),
        }
    }
}

/// An option of the structure at the market.
#[derive(Debug, Clone, Copy)]
struct Priced {
    /// Share equivalents, signed.
    units: f64,
    strike: Decimal,
    inputs: OptionInputs,
    plain_spot: f64,
    /// Of one unit, by the model.
    value: f64,
}

/// From the entry prices of the legs; stale while one leg is.
pub fn of(legs: &[Leg], market: &MarketView) -> Result<Reading<TradeOdds>, NoOdds> {
    let mut expiries = legs.iter().filter_map(|leg| leg.instrument.option().map(|option| option.expiry));
    let first = expiries.next().ok_or(NoOdds::NoExpiry)?;
    if expiries.any(|expiry| expiry != first) {
        return Err(NoOdds::SeveralExpiries);
    }
    let (line, cost) = profile::line(legs).ok_or(NoOdds::NoEntry)?;
    let mut all = Reading::Live { value: () };
    let (mut options, mut shares) = (Vec::new(), 0.0);
    for leg in legs {
        let quantity = leg.quantity.to_f64().unwrap_or(f64::NAN);
        let Some(contract) = leg.instrument.option() else {
            shares += quantity;
            continue;
        };
        let reading = market.option(&leg.instrument);
        let unpriced = |why| NoOdds::Unpriced { leg: leg.instrument.broker_symbol().trim().to_owned(), why };
        let inputs = match &reading.inputs {
            Reading::Unusable { why } => return Err(unpriced(*why)),
            known => known.known().copied().ok_or_else(|| unpriced(Unusable::Dependent))?,
        };
        all = all.zip(reading.inputs).map(|_| ());
        // The mid gave the volatility, so that the model gives the mid.
        let mid = market.quote(&leg.instrument).known().map(|two| two.mid.to_f64());
        let value = match (reading.vol_source, mid) {
            (VolSource::Mid, Some(mid)) => mid,
            _ => reading.exercise.price(&inputs),
        };
        options.push(Priced {
            units: quantity * f64::from(contract.multiplier),
            strike: contract.strike,
            inputs,
            plain_spot: reading.plain_spot.ok_or_else(|| unpriced(Unusable::Dependent))?,
            value,
        });
    }
    let realised = legs.first().and_then(|leg| market.daily_figures(leg.instrument.underlying()).realised_20);
    let odds = judged(&line, cost, &options, shares, realised)
        .ok_or(NoOdds::Unpriced { leg: "a leg".to_owned(), why: Unusable::NotANumber })?;
    Ok(all.map(|()| odds))
}

/// `None` where a figure of it is no number.
fn judged(
    line: &ExpiryPnl,
    cost: f64,
    options: &[Priced],
    shares: f64,
    realised: Option<f64>,
) -> Option<TradeOdds> {
    let first = options.first()?;
    let OptionInputs { spot, rate, dividend_yield, tte_years, .. } = first.inputs;
    let forward = spot * ((rate - dividend_yield) * tte_years).exp();
    // The plain spot, at the drift that meets the forward: dividends to come are in the latter.
    let drift = (forward / first.plain_spot).ln() / tte_years;
    let law = |vol: f64| Lognormal::of(first.plain_spot, drift, vol, tte_years);
    let mean_vol = |sold: bool| {
        let of = options.iter().filter(|option| !sold || option.units < 0.0);
        let (sum, size) = of.fold((0.0, 0.0), |(sum, size), option| {
            (sum + option.units.abs() * option.inputs.vol_annual, size + option.units.abs())
        });
        (size > 0.0).then(|| sum / size)
    };
    let vol = mean_vol(true).or_else(|| mean_vol(false))?;
    let odds = Odds::lognormal(line, &law(vol)?);
    let mut touches: Vec<Touch> = Vec::new();
    for option in options.iter().filter(|option| option.units < 0.0) {
        let OptionInputs { right, strike, vol_annual, .. } = option.inputs;
        let in_the_money = right.sign() * (first.plain_spot - strike) >= 0.0;
        let probability = if in_the_money { 1.0 } else { law(vol_annual)?.touch(strike) };
        if touches.iter().all(|known| (known.strike, known.right) != (option.strike, right)) {
            touches.push(Touch { strike: option.strike, right, probability });
        }
    }
    touches.sort_by_key(|touch| (touch.strike, touch.right == Right::Call));
    let growth = (rate * tte_years).exp();
    let options_at_expiry = options.iter().map(|option| option.units * option.value).sum::<f64>() * growth;
    let ev = options_at_expiry + shares * forward - cost;
    let forecast =
        realised.filter(|vol| *vol > 0.0).map(|realised| expected_value::forecast_vol(vol, realised));
    let ev_forecast = match forecast {
        Some(vol) => Some(expected_value::under(&law(vol)?, line, 0.0)),
        None => None,
    };
    let figures = [odds.profit, odds.max_profit, odds.max_loss, ev];
    let finite = figures.iter().chain(touches.iter().map(|touch| &touch.probability)).all(|x| x.is_finite());
    finite.then(|| TradeOdds {
        pop: odds.profit,
        p_max_profit: odds.max_profit,
        p_max_loss: odds.max_loss,
        probability_of_touch: touches,
        ev: Money::from_f64(ev),
        ev_forecast: ev_forecast.and_then(Money::from_f64),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pricing::payoff::PayoffLeg;
    use crate::pricing::price;

    const TAU: f64 = 28.229_166_666_666_667 / 365.0;

    fn put(units: f64, strike: i64, vol_annual: f64) -> Priced {
        let inputs = OptionInputs {
            right: Right::Put,
            spot: 600.0,
            strike: strike as f64,
            rate: 0.04,
            dividend_yield: 0.012,
            vol_annual,
            tte_years: TAU,
        };
        Priced { units, strike: Decimal::from(strike), inputs, plain_spot: 600.0, value: price(&inputs) }
    }

    fn line(options: &[Priced], cost: f64) -> ExpiryPnl {
        let part = |option: &Priced| PayoffLeg::Option {
            right: option.inputs.right,
            strike: option.inputs.strike,
            quantity: option.units / 100.0,
            multiplier: 100.0,
        };
        ExpiryPnl::of(&options.iter().map(part).collect::<Vec<_>>(), cost)
    }

    fn near(got: f64, want: f64, tolerance: f64) {
        assert!((got - want).abs() <= tolerance, "{got}, not {want}");
    }

    #[test]
    fn the_worked_put_spread() {
        let legs = [put(-100.0, 570, 0.195), put(100.0, 560, 0.205)];
        let odds = judged(&line(&legs, -100.0), -100.0, &legs, 0.0, Some(0.125)).expect("odds");
        near(odds.pop, 0.839_169_287, 1e-9);
        near(odds.p_max_profit, 0.831_137_501, 1e-9);
        near(odds.p_max_loss, 0.099_387_118_1, 1e-9);
        let [touch] = odds.probability_of_touch.as_slice() else { panic!("one strike is short") };
        assert_eq!((touch.strike, touch.right), (Decimal::from(570), Right::Put));
        near(touch.probability, 0.340_061_669, 1e-9);
        // The worked figures bear 2.56 of fees.
        near(odds.ev.expect("known").to_f64(), -6.296_178_35 + 2.56, 1e-4);
        near(odds.ev_forecast.expect("known").to_f64(), 11.858_305_9 + 2.56, 1e-4);
        let unknown = judged(&line(&legs, -100.0), -100.0, &legs, 0.0, None).expect("odds");
        assert_eq!(unknown.ev_forecast, None, "without a year of prices there is no forecast");
    }

    #[test]
    fn a_strike_that_is_passed_is_touched_and_a_bought_one_is_not_watched() {
        let legs = [put(-100.0, 610, 0.19), put(100.0, 560, 0.205)];
        let odds = judged(&line(&legs, -1_200.0), -1_200.0, &legs, 0.0, None).expect("odds");
        let touches: Vec<(Decimal, f64)> =
            odds.probability_of_touch.iter().map(|touch| (touch.strike, touch.probability)).collect();
        assert_eq!(touches, [(Decimal::from(610), 1.0)]);
        let bought = [put(100.0, 570, 0.195)];
        let odds = judged(&line(&bought, 270.0), 270.0, &bought, 0.0, None).expect("odds");
        assert!(odds.probability_of_touch.is_empty() && odds.pop < 0.5 && odds.p_max_loss > 0.8);
    }

    #[test]
    fn no_number_is_no_answer() {
        let legs = [put(-100.0, 570, f64::NAN)];
        assert_eq!(judged(&line(&legs, -100.0), -100.0, &legs, 0.0, None), None);
        assert_eq!(judged(&line(&[], -100.0), -100.0, &[], 100.0, None), None);
    }
}
