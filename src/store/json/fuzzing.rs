//! Whatever this reader takes, `serde_json` takes alike.

use serde_json::Value;

use super::*;
use crate::domain::event::{
    AccountSeen, BalancesReported, DayClosed, MarketObserved, NoteRecorded, PortfolioDefined, SessionStarted,
    TradeAdopted, TradeClosed, TradeEvaluated, TradeIntended, TradeMoved, TradeResized,
};

/// Whatever is read here reads alike there; tells whether it was read here.
pub(crate) fn agrees<'de, T: Deserialize<'de> + PartialEq + std::fmt::Debug>(text: &'de str) -> bool {
    let soon = read::<T>(text);
    if let Ok(value) = &soon {
        let there = serde_json::from_str::<T>(text);
        assert_eq!(Some(value), there.as_ref().ok(), "{text}: {there:?}");
    }
    soon.is_ok()
}

/// The reader of stored payloads, for every kind of event and for JSON in general.
pub fn store_json(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    agrees::<Value>(text);
    agrees::<f64>(text);
    agrees::<i64>(text);
    agrees::<Option<bool>>(text);
    agrees::<String>(text);
    agrees::<MarketObserved>(text);
    agrees::<NoteRecorded>(text);
    agrees::<TradeIntended>(text);
    agrees::<TradeEvaluated>(text);
    agrees::<TradeAdopted>(text);
    agrees::<TradeResized>(text);
    agrees::<TradeMoved>(text);
    agrees::<TradeClosed>(text);
    agrees::<BalancesReported>(text);
    agrees::<AccountSeen>(text);
    agrees::<PortfolioDefined>(text);
    agrees::<SessionStarted>(text);
    agrees::<DayClosed>(text);
}
