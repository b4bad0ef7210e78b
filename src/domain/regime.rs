//! How the market stands, in one word each: direction of a name, shape of the volatility term structure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Of daily closes against their averages over 20 and 50 days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// Close above the 20-day average, that above the 50-day one.
    Up,
    /// The reverse.
    Down,
    Neutral,
}

impl Trend {
    pub fn words(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Neutral => "neutral",
        }
    }
}

/// Of VIX ÷ VIX3M.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TermState {
    Contango,
    Flat,
    Backwardation,
    /// Missing or older than one session; counts as backwardation for every gate.
    Unknown,
}

impl TermState {
    /// Contango below 0.95, flat up to 1, backwardation above.
    pub fn of_ratio(ratio: f64) -> Self {
        match ratio {
            r if !(r.is_finite() && r > 0.0) => Self::Unknown,
            r if r < 0.95 => Self::Contango,
            r if r <= 1.0 => Self::Flat,
            _ => Self::Backwardation,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_term_structure_by_its_bounds() {
        let cases = [
            (0.857, TermState::Contango),
            (0.949_999, TermState::Contango),
            (0.95, TermState::Flat),
            (1.0, TermState::Flat),
            (1.000_001, TermState::Backwardation),
            (f64::NAN, TermState::Unknown),
            (0.0, TermState::Unknown),
            (f64::INFINITY, TermState::Unknown),
        ];
        for (ratio, want) in cases {
            assert_eq!(TermState::of_ratio(ratio), want, "{ratio}");
        }
    }
}
