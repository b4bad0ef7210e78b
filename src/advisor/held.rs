//! What has called for action and not yet been taken back. A figure that moves around its threshold would make
//! its row come and go with every tick, and one that stops being live would take the row along.
//!
//! So a row stays until its condition has cleared by a margin, and where the market is not live it stands with
//! what was true last. Plain data: kept by the engine from one picture to the next, in no record.

use std::collections::{BTreeMap, BTreeSet};

use super::attention::Attention;
use super::exit_rules::ProfitCall;
use crate::domain::{PortfolioId, Timestamp, TradeId};
use crate::risk::hedging::Band;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Held {
    /// Trades whose share of the maximum profit called.
    pub exits: BTreeMap<TradeId, HeldExit>,
    /// Trades with a short call whose time value was below the dividend.
    pub dividends: BTreeSet<TradeId>,
    /// Portfolios for which a hedge was proposed.
    pub hedges: BTreeMap<PortfolioId, HeldHedge>,
}

/// A profit target that was reached, as last seen live.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldExit {
    pub why: String,
    pub price: Option<String>,
    pub keeps: Option<String>,
    pub at: Timestamp,
}

/// A proposal, as last made on a live picture.
#[derive(Debug, Clone, PartialEq)]
pub struct HeldHedge {
    pub row: Attention,
    pub band: Band,
    pub at: Timestamp,
}

impl Held {
    /// What is over is forgotten: trades and portfolios that the book no longer has.
    pub(super) fn retain(&mut self, open: impl Fn(TradeId) -> bool, exists: impl Fn(PortfolioId) -> bool) {
        self.exits.retain(|id, _| open(*id));
        self.dividends.retain(|id| open(*id));
        self.hedges.retain(|id, _| exists(*id));
    }

    /// `now` is the latest instant at which it was seen to call.
    pub(super) fn exit(
        &mut self,
        trade: TradeId,
        call: &ProfitCall,
        price: Option<&String>,
        keeps: Option<&String>,
        now: Timestamp,
    ) {
        match call {
            ProfitCall::Live { why } => {
                let (price, keeps) = (price.cloned(), keeps.cloned());
                self.exits.insert(trade, HeldExit { why: why.clone(), price, keeps, at: now });
            }
            ProfitCall::Stale { .. } => {}
            ProfitCall::None => {
                self.exits.remove(&trade);
            }
        }
    }
}
