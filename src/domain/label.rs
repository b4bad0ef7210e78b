//! How a structure is written in a line: "iron condor 18 Dec 645/650 705/710", "covered call 200 15 Jan".

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::instrument::{Instrument, OptionContract, Right};
use super::leg::Leg;
use super::strategy::Strategy;

/// Day and month; with the year where it is not `year`.
pub fn short_date(date: NaiveDate, year: i32) -> String {
    use chrono::Datelike;
    if date.year() == year { date.format("%-d %b").to_string() } else { date.format("%-d %b %y").to_string() }
}

/// Strategy in the words of the side it is on.
pub fn strategy_words(strategy: Strategy, legs: &[Leg]) -> String {
    let options: Vec<(&Leg, &OptionContract)> =
        legs.iter().filter_map(|leg| leg.instrument.option().map(|option| (leg, option))).collect();
    let one_right = |right: Right| options.iter().all(|(_, option)| option.right == right);
    match strategy {
        Strategy::VerticalSpread if one_right(Right::Put) => "put spread".into(),
        Strategy::VerticalSpread if one_right(Right::Call) => "call spread".into(),
        Strategy::Single => match options.first() {
            Some((leg, option)) => {
                let side = if leg.quantity.is_sign_negative() { "short" } else { "long" };
                let right = if option.right == Right::Call { "call" } else { "put" };
                format!("{side} {right}")
            }
            None => strategy.words(),
        },
        Strategy::Stock => "shares".into(),
        other => other.words(),
    }
}

/// The whole line. `year` is the year that dates need not name.
pub fn structure(strategy: Strategy, legs: &[Leg], year: i32) -> String {
    let mut words = strategy_words(strategy, legs);
    let mut expiries: Vec<NaiveDate> =
        legs.iter().filter_map(|leg| leg.instrument.option().map(|option| option.expiry)).collect();
    expiries.sort_unstable();
    expiries.dedup();
    if expiries.is_empty() {
        return words;
    }
    let dates: Vec<String> = expiries.iter().map(|date| short_date(*date, year)).collect();
    words = format!("{words} {}", dates.join("/"));
    for right in [Right::Put, Right::Call] {
        let mut strikes: Vec<Decimal> = legs
            .iter()
            .filter_map(|leg| leg.instrument.option())
            .filter(|option| option.right == right)
            .map(|option| option.strike.normalize())
            .collect();
        strikes.sort_unstable();
        strikes.dedup();
        if strikes.is_empty() {
            continue;
        }
        // Put spreads read from the short strike down.
        if strategy == Strategy::VerticalSpread && right == Right::Put {
            strikes.reverse();
        }
        let joined: Vec<String> = strikes.iter().map(ToString::to_string).collect();
        words = format!("{words} {}", joined.join("/"));
    }
    words
}

/// One leg: "put 650 18 Dec", "shares".
pub fn leg(instrument: &Instrument, year: i32) -> String {
    match instrument {
        Instrument::Equity(_) => "shares".into(),
        Instrument::Index(symbol) => symbol.to_string(),
        Instrument::Option(option) => {
            let right = if option.right == Right::Call { "call" } else { "put" };
            format!("{right} {} {}", option.strike.normalize(), short_date(option.expiry, year))
        }
    }
}

/// How many units of the structure are held, short premium negative: the greatest common divisor of the
/// option quantities, signed by the nearest short option or by the first leg.
pub fn lots(strategy: Strategy, legs: &[Leg]) -> Decimal {
    let options: Vec<&Leg> = legs.iter().filter(|leg| leg.instrument.option().is_some()).collect();
    if options.is_empty() {
        return legs.iter().map(|leg| leg.quantity).sum();
    }
    let unit = options.iter().fold(0_u64, |unit, leg| gcd(unit, whole(leg.quantity.abs())));
    let unit = Decimal::from(unit.max(1));
    let covered = matches!(strategy, Strategy::CoveredCall | Strategy::Collar);
    let cost: Option<super::money::Money> = options.iter().map(|leg| leg.cost()).sum();
    let short = match (strategy, options.as_slice(), cost) {
        (Strategy::Single, [only], _) => only.quantity.is_sign_negative(),
        _ if covered => true,
        (_, _, Some(cost)) => cost.is_negative(),
        (_, [first, ..], None) => first.quantity.is_sign_negative(),
        (_, [], None) => false,
    };
    if short { -unit } else { unit }
}

fn whole(quantity: Decimal) -> u64 {
    use rust_decimal::prelude::ToPrimitive;
    quantity.trunc().to_u64().unwrap_or(0)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::instrument::{ExerciseStyle, Settlement};
    use crate::domain::money::Price;
    use crate::domain::symbol::Symbol;

    fn option(right: Right, strike: i64, quantity: i64, entry: i64) -> Leg {
        Leg {
            instrument: Instrument::Option(Arc::new(OptionContract {
                underlying: Symbol::new("SPY").unwrap(),
                root: Symbol::new("SPY").unwrap(),
                expiry: NaiveDate::from_ymd_opt(2026, 12, 18).unwrap(),
                right,
                strike: Decimal::from(strike),
                settlement: Settlement::Pm,
                style: ExerciseStyle::American,
                multiplier: 100,
            })),
            quantity: Decimal::from(quantity),
            entry: Some(Price(Decimal::from(entry))),
        }
    }

    #[test]
    fn a_condor_reads_put_wing_then_call_wing() {
        let legs = [
            option(Right::Call, 710, 2, 1),
            option(Right::Put, 645, 2, 1),
            option(Right::Put, 650, -2, 2),
            option(Right::Call, 705, -2, 2),
        ];
        assert_eq!(structure(Strategy::IronCondor, &legs, 2026), "iron condor 18 Dec 645/650 705/710");
        assert_eq!(lots(Strategy::IronCondor, &legs), Decimal::from(-2));
    }

    #[test]
    fn a_put_spread_reads_from_the_short_strike_down() {
        let legs = [option(Right::Put, 660, 1, 1), option(Right::Put, 665, -1, 2)];
        assert_eq!(structure(Strategy::VerticalSpread, &legs, 2026), "put spread 18 Dec 665/660");
        assert_eq!(structure(Strategy::VerticalSpread, &legs, 2025), "put spread 18 Dec 26 665/660");
    }
}
