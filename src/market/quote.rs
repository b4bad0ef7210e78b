//! What a quote is good for: the states in their order, and the two-sided price.

use rust_decimal::Decimal;

use super::update::RawQuote;
use crate::domain::Price;
use crate::domain::freshness::Unusable;

/// In the order in which they are looked for; the first that fits holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Quality {
    /// No quote, or a quote without an ask.
    Missing,
    /// Not live: the link is down, or the quote is of an earlier connection.
    Stale,
    /// Bid above ask.
    Crossed,
    /// Bid equals ask.
    Locked,
    ZeroBid,
    /// The spread is more than a tenth of the mid and more than the floor.
    Wide,
    Good,
}

impl Quality {
    /// The quote is of the connection that stands, or was just read.
    pub fn is_live(self) -> bool {
        !matches!(self, Self::Missing | Self::Stale)
    }

    pub fn words(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Stale => "stale",
            Self::Crossed => "crossed",
            Self::Locked => "locked",
            Self::ZeroBid => "no bid",
            Self::Wide => "wide",
            Self::Good => "good",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoSided {
    pub bid: Price,
    pub ask: Price,
    pub mid: Price,
}

/// Prices of a quote, whatever its age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sides {
    Two(TwoSided),
    /// Only an ask: the bid is zero or was not sent.
    AskOnly(Price),
    None(Unusable),
}

/// Negative prices and a zero ask are no prices.
pub fn sides(quote: &RawQuote) -> Sides {
    let Some(ask) = quote.ask else { return Sides::None(Unusable::Missing) };
    let bid = quote.bid.unwrap_or_default();
    if bid.0 < Decimal::ZERO || ask.0 < Decimal::ZERO {
        return Sides::None(Unusable::NotANumber);
    }
    if bid > ask {
        return Sides::None(Unusable::Crossed);
    }
    if ask.0.is_zero() {
        return Sides::None(Unusable::Missing);
    }
    if bid.0.is_zero() {
        return Sides::AskOnly(ask);
    }
    Sides::Two(TwoSided { bid, ask, mid: Price((bid.0 + ask.0) / Decimal::TWO) })
}

/// The state of a quote; `spot` raises the floor of "wide" for expensive underlyings.
pub fn quality(quote: Option<&RawQuote>, live: bool, spot: Option<f64>) -> Quality {
    let Some(quote) = quote else { return Quality::Missing };
    let prices = sides(quote);
    if matches!(prices, Sides::None(Unusable::Missing | Unusable::NotANumber)) {
        return Quality::Missing;
    }
    if !live {
        return Quality::Stale;
    }
    match prices {
        Sides::None(_) => Quality::Crossed,
        Sides::AskOnly(_) => Quality::ZeroBid,
        Sides::Two(two) if two.bid == two.ask => Quality::Locked,
        Sides::Two(two) => {
            let dear = spot.is_some_and(|s| s > 300.0);
            let floor = if dear { Decimal::new(30, 2) } else { Decimal::new(10, 2) };
            let widest = floor.max(two.mid.0 / Decimal::TEN);
            if two.ask.0 - two.bid.0 > widest { Quality::Wide } else { Quality::Good }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn quote(bid: Option<&str>, ask: Option<&str>) -> RawQuote {
        let price = |text: Option<&str>| text.map(|t| Price(t.parse().expect("a decimal")));
        RawQuote {
            bid: price(bid),
            ask: price(ask),
            bid_size: None,
            ask_size: None,
            at: None,
            received: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn each_state_is_found() {
        let of = |bid, ask, spot| quality(Some(&quote(bid, ask)), true, Some(spot));
        assert_eq!(of(Some("2.70"), Some("2.80"), 600.0), Quality::Good);
        assert_eq!(of(Some("2.70"), Some("3.00"), 600.0), Quality::Good, "0.30 is the floor above 300");
        assert_eq!(of(Some("2.70"), Some("3.01"), 600.0), Quality::Wide);
        assert_eq!(of(Some("0.50"), Some("0.61"), 50.0), Quality::Wide);
        assert_eq!(of(Some("10"), Some("11"), 50.0), Quality::Good, "a tenth of the mid");
        assert_eq!(of(Some("1"), Some("1"), 50.0), Quality::Locked);
        assert_eq!(of(Some("1.1"), Some("1"), 50.0), Quality::Crossed);
        assert_eq!(of(Some("0"), Some("0.05"), 50.0), Quality::ZeroBid);
        assert_eq!(of(None, Some("0.05"), 50.0), Quality::ZeroBid);
        assert_eq!(of(Some("1"), None, 50.0), Quality::Missing);
        assert_eq!(of(Some("0"), Some("0"), 50.0), Quality::Missing);
        assert_eq!(of(Some("-1"), Some("1"), 50.0), Quality::Missing);
        assert_eq!(quality(Some(&quote(Some("1.1"), Some("1"))), false, None), Quality::Stale);
        assert_eq!(quality(None, true, None), Quality::Missing);
    }
}
