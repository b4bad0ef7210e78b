//! The immutable picture: one view struct per panel, assembled after each step from containers, market and
//! the latest risk report, published whole. The screen, `snapshot --json` and the tests read the same value.
//!
//! Never: recalculates risk, formats for a width, knows a colour.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::Timestamp;
use crate::domain::view::View;

pub mod build;
pub mod header;
pub mod market;
pub mod notice;
pub mod overview;
pub mod positions;
pub mod risk;
pub mod shown;

pub use header::{Freshness, Header, LinkView, Mode};
pub use market::MarketPanel;
pub use notice::{Level, Notice};
pub use overview::{AccountStrip, Answer, BlotterRow, LimitRow, PortfolioStrip};
pub use positions::PositionsPanel;
pub use risk::{RiskPanel, ScenarioPanel, StressRow};
pub use shown::{Shown, Standing};

/// Everything the screen shows, at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Counts published pictures of this process; two of the same number are the same picture.
    pub revision: u64,
    /// The engine's clock: the broker's in demo and sim.
    pub as_of: Timestamp,
    pub mode: Mode,
    pub view: View,
    pub header: Header,
    pub freshness: Freshness,
    pub market: MarketPanel,
    pub answer: Answer,
    pub account: AccountStrip,
    pub portfolios: Vec<PortfolioStrip>,
    pub underlyings: RiskPanel,
    pub scenario: ScenarioPanel,
    pub stress: Vec<StressRow>,
    pub positions: PositionsPanel,
    pub blotter: Vec<BlotterRow>,
    pub limits: Vec<LimitRow>,
    /// What is wrong or assumed, in words, most important first.
    pub warnings: Vec<String>,
}

impl Snapshot {
    /// Everything that a first picture waits for is there: accounts, positions with marks, risk.
    pub fn is_complete(&self) -> bool {
        !self.header.refreshing
            && !self.header.computing
            && self.header.link.kind != header::LinkKind::Connecting
            && !self.account.accounts.is_empty()
            && self.freshness.last_refresh.is_some()
            && (self.positions.groups.is_empty() || !self.underlyings.rows.is_empty())
    }
}
