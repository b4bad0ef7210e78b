//! The label of a structure. The label never decides anything about risk: loss is computed from legs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    Single,
    VerticalSpread,
    IronCondor,
    IronButterfly,
    Straddle,
    Strangle,
    Butterfly,
    Condor,
    JadeLizard,
    BigLizard,
    RatioSpread,
    CalendarSpread,
    CoveredCall,
    ProtectivePut,
    Collar,
    DiagonalSpread,
    CalendarDoubleSpread,
    Custom,
    /// Shares without options: no template of its own, permitted wherever its account permits shares.
    Stock,
}

impl Strategy {
    /// The eighteen templates, in the order of the permission matrix.
    pub const TEMPLATES: [Self; 18] = [
        Self::Single,
        Self::VerticalSpread,
        Self::IronCondor,
        Self::IronButterfly,
        Self::Straddle,
        Self::Strangle,
        Self::Butterfly,
        Self::Condor,
        Self::JadeLizard,
        Self::BigLizard,
        Self::RatioSpread,
        Self::CalendarSpread,
        Self::CoveredCall,
        Self::ProtectivePut,
        Self::Collar,
        Self::DiagonalSpread,
        Self::CalendarDoubleSpread,
        Self::Custom,
    ];

    pub fn key(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::VerticalSpread => "vertical_spread",
            Self::IronCondor => "iron_condor",
            Self::IronButterfly => "iron_butterfly",
            Self::Straddle => "straddle",
            Self::Strangle => "strangle",
            Self::Butterfly => "butterfly",
            Self::Condor => "condor",
            Self::JadeLizard => "jade_lizard",
            Self::BigLizard => "big_lizard",
            Self::RatioSpread => "ratio_spread",
            Self::CalendarSpread => "calendar_spread",
            Self::CoveredCall => "covered_call",
            Self::ProtectivePut => "protective_put",
            Self::Collar => "collar",
            Self::DiagonalSpread => "diagonal_spread",
            Self::CalendarDoubleSpread => "calendar_double_spread",
            Self::Custom => "custom",
            Self::Stock => "stock",
        }
    }

    pub fn words(self) -> String {
        self.key().replace('_', " ")
    }
}
