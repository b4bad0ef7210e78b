//! What the trader has chosen to look at. Not a decision, so never an event.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::id::PortfolioId;
use super::symbol::Symbol;

/// What counts in every number on the screen; each step includes the ones before.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    #[default]
    Real,
    Working,
    WhatIf,
}

impl Counts {
    /// The next step. Without working orders the middle one would change nothing: it is passed over.
    pub fn next(self, any_working: bool) -> Self {
        match self {
            Self::Real if any_working => Self::Working,
            Self::Real => Self::WhatIf,
            Self::Working => Self::WhatIf,
            Self::WhatIf => Self::Real,
        }
    }
}

/// How far the scenario matrix looks ahead.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Horizon {
    #[default]
    Now,
    FiveDays,
    /// The next expiry in the book.
    Expiry,
}

impl Horizon {
    pub fn later(self) -> Self {
        match self {
            Self::Now => Self::FiveDays,
            Self::FiveDays | Self::Expiry => Self::Expiry,
        }
    }
    pub fn earlier(self) -> Self {
        match self {
            Self::Expiry => Self::FiveDays,
            Self::FiveDays | Self::Now => Self::Now,
        }
    }
}

/// Whose trades are on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Every real portfolio and the inbox; hypothetical ones stand beside, never in a sum.
    #[default]
    AllReal,
    Portfolio(PortfolioId),
    /// Broker positions that nobody has routed yet.
    Unassigned,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct View {
    pub scope: Scope,
    pub counts: Counts,
    pub horizon: Horizon,
    /// The scenario matrix of one underlying by its own move; `None`: the whole book, beta-mapped.
    pub scenario_of: Option<Symbol>,
}
