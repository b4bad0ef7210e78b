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
pub mod orders;
pub mod overview;
pub mod positions;
pub mod risk;
pub mod shown;

pub use header::{Freshness, Header, LinkView, Mode, SafetyView};
pub use market::MarketPanel;
pub use notice::{Level, Notice};
pub use orders::{OrderRow, OrdersPanel};
pub use overview::{AccountStrip, Answer, BlotterRow, LimitRow, PortfolioStrip};
pub use positions::PositionsPanel;
pub use risk::{RiskPanel, ScenarioPanel, StressRow};
pub use shown::{Shown, Standing};

/// Everything the screen shows, at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// Counts published pictures of this process; two of the same number differ in their clock at most.
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
    pub orders: OrdersPanel,
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

    /// Complete, every leg in view is priced, and no link is down: what a script may rely on.
    pub fn is_whole(&self) -> bool {
        use header::LinkKind::{Connecting, Down, Live, Quiet, Refused, Snapshot};
        let linked = match self.header.link.kind {
            Live | Snapshot => true,
            Connecting | Quiet | Down | Refused => false,
        };
        self.is_complete() && linked && self.underlyings.total.unpriced == 0
    }

    /// The same as an earlier picture, read later: whoever shows that one moves its clock and its ages on.
    pub fn differs_in_time_only(&self, earlier: &Self) -> bool {
        let elapsed = (self.as_of - earlier.as_of).num_milliseconds() as f64 / 1000.0;
        // Ages come in whole seconds in places, so that one second is no difference.
        let follows = |later: Option<f64>, before: Option<f64>| match (later, before) {
            (Some(later), Some(before)) => (later - before - elapsed).abs() <= 1.0,
            (later, before) => later.is_none() && before.is_none(),
        };
        let whole = |age: Option<i64>| age.map(|age| age as f64);
        let ages = follows(self.header.link.age_seconds, earlier.header.link.age_seconds)
            && follows(
                whole(self.freshness.oldest_quote_seconds),
                whole(earlier.freshness.oldest_quote_seconds),
            );
        if !ages {
            return false;
        }
        let mut same = self.clone();
        same.revision = earlier.revision;
        same.as_of = earlier.as_of;
        same.header.exchange_time = earlier.header.exchange_time;
        same.header.seconds_left = earlier.header.seconds_left;
        same.header.link.age_seconds = earlier.header.link.age_seconds;
        same.freshness.link.age_seconds = earlier.freshness.link.age_seconds;
        same.freshness.oldest_quote_seconds = earlier.freshness.oldest_quote_seconds;
        let legs = |snapshot: &'_ mut Self| {
            let groups = snapshot.positions.groups.iter_mut();
            let legs = groups.flat_map(|group| &mut group.trades).flat_map(|trade| &mut trade.legs);
            legs.map(|leg| leg.quote_age_seconds.take()).collect::<Vec<_>>()
        };
        let mut before = earlier.clone();
        let (now, then) = (legs(&mut same), legs(&mut before));
        now.len() == then.len()
            && now.iter().zip(&then).all(|(now, then)| follows(whole(*now), whole(*then)))
            && same == before
    }
}
