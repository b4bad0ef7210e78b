//! Named days of the past, applied to today's book.
//!
//! Never: invents a move. What the table does not map follows the S&P 500 by its beta.

use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::grid::{UnderlyingPnl, split};
use super::revalue::Revaluation;
use super::shocks::{Roll, SpotShock, VolShock};
use crate::domain::Symbol;
use crate::domain::units::Dollars;
use crate::risk::book::RiskUnderlying;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StressSet {
    /// Symbols that move like each index.
    like: Likeness,
    /// Symbols that do not move with shares: bonds, gold.
    flat: Vec<Symbol>,
    events: Vec<StressEvent>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Likeness {
    spx: Vec<Symbol>,
    ndx: Vec<Symbol>,
    rut: Vec<Symbol>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct StressEvent {
    name: String,
    /// Fractions: −0.0903 is −9.03 %.
    spx: f64,
    ndx: f64,
    rut: f64,
    vol: VolMove,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum VolMove {
    /// Volatility index before and after.
    FromTo(f64, f64),
    Points(f64),
}

impl VolMove {
    fn points(self) -> f64 {
        match self {
            Self::FromTo(from, to) => to - from,
            Self::Points(points) => points,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StressResult {
    pub name: String,
    /// The S&P 500's move, as a fraction.
    pub spot_move: f64,
    pub vol_points: f64,
    pub pnl: Dollars,
    pub by_underlying: Vec<UnderlyingPnl>,
}

impl StressSet {
    pub fn parse(yaml: &str) -> Result<Self, serde_yaml::Error> {
        serde_yaml::from_str(yaml)
    }

    /// The set that comes with the program.
    pub fn embedded() -> &'static Self {
        static SET: LazyLock<StressSet> = LazyLock::new(|| {
            StressSet::parse(include_str!("../../../config/stress.yaml"))
                .expect("the embedded file is fixed at build time and a test parses it")
        });
        &SET
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Every event on the legs that `counts` lets in, in the order of the file.
    pub fn apply(&self, now: &Revaluation<'_>, counts: impl Fn(usize) -> bool) -> Vec<StressResult> {
        let book = now.book;
        self.events
            .iter()
            .map(|event| {
                let moves = book.underlyings.iter().map(|u| self.move_of(event, u)).collect();
                let points = event.vol.points();
                let shocked = now.shocked(VolShock::Points(points), Roll::default());
                let by_underlying = split(book, &shocked.change(SpotShock::Each(moves)), &counts);
                StressResult {
                    name: event.name.clone(),
                    spot_move: event.spx,
                    vol_points: points,
                    pnl: by_underlying.iter().map(|part| part.pnl).sum(),
                    by_underlying,
                }
            })
            .collect()
    }

    /// A fund or an index: it moves less than the shares of one company.
    pub fn is_fund(&self, symbol: &Symbol) -> bool {
        [&self.like.spx, &self.like.ndx, &self.like.rut, &self.flat].iter().any(|list| list.contains(symbol))
    }

    fn move_of(&self, event: &StressEvent, underlying: &RiskUnderlying) -> f64 {
        let name = &underlying.symbol;
        if self.like.spx.contains(name) {
            event.spx
        } else if self.like.ndx.contains(name) {
            event.ndx
        } else if self.like.rut.contains(name) {
            event.rut
        } else if self.flat.contains(name) {
            0.0
        } else {
            underlying.beta * event.spx
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::book::RiskBook;
    use crate::risk::fixtures::{book_b, close, option, shares, underlying};

    fn only_shares() -> RiskBook {
        let mut book = book_b();
        book.underlyings.push(underlying("IWM", 200.0, 1.1, 0.012));
        book.underlyings.push(underlying("TLT", 90.0, -0.1, 0.008));
        book.underlyings.push(underlying("VIX", 16.0, -5.0, 0.07));
        book.legs = (0..6).map(|place| shares(place, 10.0)).collect();
        book
    }

    #[test]
    fn the_embedded_set_is_the_table_of_the_specification() {
        let set = StressSet::embedded();
        assert_eq!(set.len(), 15, "fourteen days, one of them twice");
        let names: std::collections::BTreeSet<_> = set.events.iter().map(|e| &e.name).collect();
        assert_eq!(names.len(), set.len(), "names are keys");
    }

    #[test]
    fn each_index_moves_its_own_and_the_rest_follow_by_beta() {
        let results = StressSet::embedded().apply(&Revaluation::of(&only_shares()), |_| true);
        let crash = results.iter().find(|r| r.name == "2020-03-16").expect("in the set");
        let want =
            [600.0 * -0.1198, 520.0 * -0.1219, 230.0 * 1.15 * -0.1198, 200.0 * -0.1327, 0.0, 82.69 - 57.83];
        assert_eq!(crash.by_underlying.len(), want.len());
        for (part, want) in crash.by_underlying.iter().zip(want) {
            close(part.pnl.0, want * 10.0, 1e-8);
        }
        close(crash.vol_points, 24.86, 1e-9);
        close(crash.pnl.0, want.iter().sum::<f64>() * 10.0, 1e-8);
    }

    #[test]
    fn volatility_is_capped_at_one_hundred_and_fifty_percent() {
        let mut book = book_b();
        book.legs = vec![option(0, 1.0, crate::domain::Right::Put, 560.0, 0.2)];
        let crash = &StressSet::embedded().apply(&Revaluation::of(&book), |_| true)[0];
        assert_eq!(crash.name, "1987-10-19");
        // A put can never be worth more than its strike, however large the shock.
        assert!(crash.pnl.0 > 0.0 && crash.pnl.0 < 56_000.0);
    }

    #[test]
    fn a_file_with_an_unknown_word_is_refused() {
        let yaml = "like: {spx: [SPY], ndx: [], rut: []}\nflat: []\nevents: []\nextra: 1\n";
        assert!(StressSet::parse(yaml).is_err());
    }
}
