//! What positions are worth and what they have made: per leg, per trade, exact in decimals.
//!
//! Never: puts a number where a mark is missing. A sum says how many of its parts it lacks.

use rust_decimal::Decimal;

use crate::domain::freshness::Unusable;
use crate::domain::time::new_york_date;
use crate::domain::{Leg, Money, Price, Reading, Timestamp};
use crate::market::view::MarketView;

/// One leg at the market.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LegValue {
    pub mark: Reading<Price>,
    pub value: Reading<Money>,
    /// Since the previous close, or since entry where it was opened today.
    pub day: Reading<Money>,
    /// Since entry, fees left out.
    pub open: Reading<Money>,
}

pub fn leg(leg: &Leg, opened_at: Timestamp, market: &MarketView) -> LegValue {
    let mark = market.mark(&leg.instrument);
    let value = mark.map(|price| leg.value_at(price));
    let opened_today = new_york_date(opened_at) == new_york_date(market.now());
    let base = if opened_today { leg.entry } else { market.previous_close(&leg.instrument) };
    LegValue { mark, value, day: gain(mark, base, leg), open: gain(mark, leg.entry, leg) }
}

fn gain(mark: Reading<Price>, base: Option<Price>, leg: &Leg) -> Reading<Money> {
    match base {
        None => Reading::Unusable { why: Unusable::Missing },
        Some(base) => mark.map(|mark| leg.value_at(mark - base)),
    }
}

/// A sum of readings: stale if any part is, and honest about parts that are missing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Total {
    pub sum: Money,
    pub parts: usize,
    pub missing: usize,
    pub stale: usize,
    pub oldest_seconds: i64,
}

impl Total {
    pub fn add(&mut self, reading: &Reading<Money>) {
        self.parts += 1;
        match reading {
            Reading::Live { value } => self.sum += *value,
            Reading::Stale { value, age_seconds } => {
                self.sum += *value;
                self.stale += 1;
                self.oldest_seconds = self.oldest_seconds.max(*age_seconds);
            }
            Reading::Unusable { .. } => self.missing += 1,
        }
    }

    pub fn include(&mut self, other: &Self) {
        self.sum += other.sum;
        self.parts += other.parts;
        self.missing += other.missing;
        self.stale += other.stale;
        self.oldest_seconds = self.oldest_seconds.max(other.oldest_seconds);
    }

    /// The sum where every part is known.
    pub fn whole(&self) -> Reading<Money> {
        if self.missing > 0 { Reading::Unusable { why: Unusable::Dependent } } else { self.known() }
    }

    /// The sum of what is known; nothing known is not zero.
    pub fn known(&self) -> Reading<Money> {
        if self.missing > 0 && self.missing == self.parts {
            Reading::Unusable { why: Unusable::Dependent }
        } else if self.stale > 0 {
            Reading::Stale { value: self.sum, age_seconds: self.oldest_seconds }
        } else {
            Reading::Live { value: self.sum }
        }
    }
}

impl<'a> FromIterator<&'a Reading<Money>> for Total {
    fn from_iter<I: IntoIterator<Item = &'a Reading<Money>>>(readings: I) -> Self {
        let mut total = Self::default();
        for reading in readings {
            total.add(reading);
        }
        total
    }
}

/// `value` of all legs, per unit and share, as a trader quotes it: without sign.
pub fn per_unit(value: Money, lots: Decimal, multiplier: u32) -> Option<Price> {
    let size = lots * Decimal::from(multiplier);
    (!size.is_zero()).then(|| Price((value.0 / size).abs().normalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(cents: i64) -> Money {
        Money(Decimal::new(cents, 2))
    }

    #[test]
    fn a_sum_with_a_missing_part_is_not_whole() {
        let total: Total = [
            Reading::Live { value: money(100) },
            Reading::Unusable { why: Unusable::Missing },
            Reading::Stale { value: money(50), age_seconds: 9 },
        ]
        .iter()
        .collect();
        assert_eq!(total.whole(), Reading::Unusable { why: Unusable::Dependent });
        assert_eq!(total.known(), Reading::Stale { value: money(150), age_seconds: 9 });
    }

    #[test]
    fn nothing_known_is_not_zero() {
        let total: Total = [Reading::Unusable { why: Unusable::Missing }].iter().collect();
        assert_eq!(total.known(), Reading::Unusable { why: Unusable::Dependent });
        let empty = Total::default();
        assert_eq!(empty.known(), Reading::Live { value: Money::ZERO });
    }
}
