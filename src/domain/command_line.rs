//! The one-line grammar that the screen's `:` and the shell's `book` share:
//! `spy ic 45d 16 w5 x1 @medium -- rationale`, figures in any order after the underlying.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::instrument::Right;
use super::strategy::Strategy;
use super::symbol::Symbol;
use super::text::clean;

/// What a booking line asks for; what it leaves out is filled from the recipe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingLine {
    pub underlying: Symbol,
    pub strategy: Strategy,
    /// For a vertical: which side; never left out there.
    pub right: Option<Right>,
    /// Sold for a credit (default) or bought for a debit.
    pub debit: bool,
    pub days: Option<u32>,
    /// Target delta of the short strikes, in hundredths.
    pub delta: Option<u32>,
    pub width: Option<Decimal>,
    pub lots: u32,
    pub portfolio: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLine {
    #[error("nothing to book in {:?}", clean(.0, 60))]
    Empty(String),
    #[error("{:?} is no underlying", clean(.0, 40))]
    Underlying(String),
    #[error("no strategy in the line")]
    NoStrategy,
    #[error("a vertical of puts or of calls?")]
    NoSide,
    #[error("{:?} means nothing here", clean(.0, 40))]
    Word(String),
    #[error("{what} is given twice")]
    Twice { what: &'static str },
    #[error("{what} must be {range}")]
    Range { what: &'static str, range: &'static str },
}

impl BadLine {
    pub fn remedy(&self) -> &'static str {
        if *self == Self::NoSide {
            return "say which: spy put_spread 30d w5 -- why, call_spread, or vertical with put or call";
        }
        "write it as: spy ic 45d 16 w5 x1 @medium -- why  (ic, put spread, call spread; days, delta, width, lots, portfolio)"
    }
}

/// Splits `line -- rationale`.
pub fn split_rationale(line: &str) -> (&str, Option<&str>) {
    match line.split_once(" -- ") {
        Some((head, tail)) => (head, Some(tail.trim()).filter(|t| !t.is_empty())),
        None => (line, None),
    }
}

/// Strategy names and the short forms traders type.
pub fn strategy_named(word: &str) -> Option<Strategy> {
    let word = word.to_ascii_lowercase().replace('-', "_");
    let short = match word.as_str() {
        "ic" | "condor_iron" => Some(Strategy::IronCondor),
        "vs" | "vertical" | "spread" | "credit_put_spread" | "credit_call_spread" | "put_spread"
        | "call_spread" => Some(Strategy::VerticalSpread),
        "iron_fly" | "ib" => Some(Strategy::IronButterfly),
        "cc" => Some(Strategy::CoveredCall),
        "csp" | "cash_secured_put" | "wheel" => Some(Strategy::Single),
        "fly" => Some(Strategy::Butterfly),
        "calendar" => Some(Strategy::CalendarSpread),
        "diagonal" => Some(Strategy::DiagonalSpread),
        "pp" => Some(Strategy::ProtectivePut),
        "stock" | "shares" => Some(Strategy::Stock),
        _ => None,
    };
    short.or_else(|| Strategy::TEMPLATES.into_iter().find(|s| s.key() == word))
}

/// Reads a booking line.
pub fn parse_booking(line: &str) -> Result<BookingLine, BadLine> {
    let mut words = line.split_whitespace();
    let first = words.next().ok_or_else(|| BadLine::Empty(line.to_owned()))?;
    let underlying =
        Symbol::new(&first.to_ascii_uppercase()).map_err(|_| BadLine::Underlying(first.to_owned()))?;
    let mut draft = Draft::default();
    for word in words {
        draft.take(word)?;
    }
    let strategy = draft.strategy.ok_or(BadLine::NoStrategy)?;
    if strategy == Strategy::VerticalSpread && draft.right.is_none() {
        return Err(BadLine::NoSide);
    }
    Ok(BookingLine {
        underlying,
        strategy,
        right: draft.right,
        debit: draft.debit.unwrap_or(false),
        days: draft.days,
        delta: draft.delta,
        width: draft.width,
        lots: draft.lots.unwrap_or(1),
        portfolio: draft.portfolio,
    })
}

#[derive(Default)]
struct Draft {
    strategy: Option<Strategy>,
    right: Option<Right>,
    debit: Option<bool>,
    days: Option<u32>,
    delta: Option<u32>,
    width: Option<Decimal>,
    lots: Option<u32>,
    portfolio: Option<String>,
}

impl Draft {
    fn take(&mut self, word: &str) -> Result<(), BadLine> {
        let lower = word.to_ascii_lowercase();
        let unknown = || BadLine::Word(word.to_owned());
        match lower.as_str() {
            "put" | "puts" | "p" => return once(&mut self.right, Right::Put, "put or call"),
            "call" | "calls" | "c" => return once(&mut self.right, Right::Call, "put or call"),
            "credit" | "sell" => return once(&mut self.debit, false, "credit or debit"),
            "debit" | "buy" => return once(&mut self.debit, true, "credit or debit"),
            "put_spread" | "credit_put_spread" => once(&mut self.right, Right::Put, "put or call")?,
            "call_spread" | "credit_call_spread" => once(&mut self.right, Right::Call, "put or call")?,
            _ => {}
        }
        if let Some(name) = lower.strip_prefix('@') {
            return once(&mut self.portfolio, name.to_owned(), "the portfolio");
        }
        if let Some(strategy) = strategy_named(&lower) {
            return once(&mut self.strategy, strategy, "the strategy");
        }
        if let Some(days) = lower.strip_suffix('d').and_then(|n| n.parse::<u32>().ok()) {
            in_range(days, 0..=1100, "days", "0 to 1100")?;
            return once(&mut self.days, days, "days");
        }
        if let Some(width) = lower.strip_prefix('w').and_then(|n| n.parse::<Decimal>().ok()) {
            if width <= Decimal::ZERO || width > Decimal::ONE_THOUSAND {
                return Err(BadLine::Range { what: "width", range: "above 0, at most 1000" });
            }
            return once(&mut self.width, width, "width");
        }
        if let Some(lots) = lower.strip_prefix('x').and_then(|n| n.parse::<u32>().ok()) {
            in_range(lots, 1..=500, "lots", "1 to 500")?;
            return once(&mut self.lots, lots, "lots");
        }
        let delta = lower.trim_end_matches('δ').parse::<u32>().map_err(|_| unknown())?;
        in_range(delta, 1..=99, "delta", "1 to 99")?;
        once(&mut self.delta, delta, "delta")
    }
}

fn once<T>(slot: &mut Option<T>, value: T, what: &'static str) -> Result<(), BadLine> {
    if slot.is_some() {
        return Err(BadLine::Twice { what });
    }
    *slot = Some(value);
    Ok(())
}

fn in_range(
    value: u32,
    allowed: std::ops::RangeInclusive<u32>,
    what: &'static str,
    range: &'static str,
) -> Result<(), BadLine> {
    if allowed.contains(&value) { Ok(()) } else { Err(BadLine::Range { what, range }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_come_in_any_order() {
        let a = parse_booking("spy ic 45d 16 w5 x1 @medium").expect("a good line");
        let b = parse_booking("SPY @medium x1 w5 16 ic 45d").expect("a good line");
        assert_eq!(a, b);
        assert_eq!(a.strategy, Strategy::IronCondor);
        assert_eq!((a.days, a.delta, a.lots), (Some(45), Some(16), 1));
        assert_eq!(a.portfolio.as_deref(), Some("medium"));
    }

    #[test]
    fn a_vertical_says_its_side() {
        let line = parse_booking("xsp call spread 30d w2.5").expect("a good line");
        assert_eq!((line.strategy, line.right), (Strategy::VerticalSpread, Some(Right::Call)));
        assert_eq!(line.width, Some(Decimal::new(25, 1)));
        for sided in ["spy vertical put", "spy put_spread", "spy puts vs 30d", "spy p spread"] {
            assert_eq!(parse_booking(sided).expect(sided).right, Some(Right::Put), "{sided}");
        }
        for open in ["spy vertical 30d w5", "spy spread", "spy vs x2"] {
            let bad = parse_booking(open).expect_err(open);
            assert_eq!(bad, BadLine::NoSide);
            assert!(bad.remedy().contains("call_spread"));
        }
    }

    #[test]
    fn nonsense_is_named() {
        assert!(matches!(parse_booking(""), Err(BadLine::Empty(_))));
        assert!(matches!(parse_booking("spy"), Err(BadLine::NoStrategy)));
        assert!(matches!(parse_booking("spy ic x0"), Err(BadLine::Range { what: "lots", .. })));
        assert!(matches!(parse_booking("spy ic 16 20"), Err(BadLine::Twice { what: "delta" })));
        assert!(matches!(parse_booking("spy ic 1.5.2"), Err(BadLine::Word(_))));
        assert!(matches!(parse_booking("s¥y ic"), Err(BadLine::Underlying(_))));
    }

    #[test]
    fn the_rationale_follows_two_dashes() {
        assert_eq!(split_rationale("spy ic -- income, IVR 23"), ("spy ic", Some("income, IVR 23")));
        assert_eq!(split_rationale("spy ic"), ("spy ic", None));
    }
}
