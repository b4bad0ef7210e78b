//! Trading status and holidays.

use rust_decimal::prelude::ToPrimitive;

use crate::broker::tastytrade::wire::{account, market};
use crate::domain::report::{MarketHolidays, TradingStatus};
use crate::domain::text;

/// The broker's words are shown: this long at most, and nothing that moves a cursor.
const LONGEST_WORD: usize = 60;

pub fn trading_status(wire: &account::TradingStatus) -> TradingStatus {
    let level = text::clean(wire.options_level.as_str(), LONGEST_WORD);
    TradingStatus {
        closed: wire.is_closed.0,
        frozen: wire.is_frozen.0,
        closing_only: wire.is_closing_only.0,
        risk_reducing_only: wire.is_risk_reducing_only.0,
        margin_call: wire.is_in_margin_call.0,
        day_trade_call: wire.is_in_day_trade_equity_maintenance_call.0,
        pattern_day_trader: wire.is_pattern_day_trader.0,
        day_trades: wire.day_trade_count.0.and_then(|count| count.to_u32()),
        short_calls: wire.short_calls_enabled.0,
        options_level: (!level.is_empty()).then_some(level),
    }
}

pub fn holidays(wire: &market::Holidays) -> MarketHolidays {
    let days = |of: &[crate::broker::tastytrade::wire::Day]| of.iter().filter_map(|day| day.0).collect();
    MarketHolidays { closed: days(&wire.market_holidays.good), early: days(&wire.market_half_days.good) }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::*;

    fn status(json: &str) -> TradingStatus {
        trading_status(&serde_json::from_str(json).expect("any object is read"))
    }

    #[test]
    fn what_is_missing_null_or_of_another_type_is_not_said() {
        assert_eq!(status("{}"), TradingStatus::default());
        let odd = status(
            r#"{"is-closed": null, "is-frozen": "true", "is-closing-only": [], "day-trade-count": "3",
                "options-level": 7, "is-new-tomorrow": {"a": 1}}"#,
        );
        assert_eq!((odd.closed, odd.closing_only, odd.day_trades), (None, None, Some(3)));
        assert_eq!(odd.frozen, Some(true));
        assert_eq!(odd.obstacle(), Some("the account is frozen"));
        assert_eq!(status(r#"{"day-trade-count": -1, "is-closing-only": false}"#).day_trades, None);
    }

    #[test]
    fn a_word_of_the_broker_moves_no_cursor() {
        let level = status("{\"options-level\": \"\\u001b[2JAll\\u202e\"}").options_level.expect("said");
        assert!(!level.chars().any(char::is_control) && !level.contains('\u{202e}'), "{level:?}");
    }

    #[test]
    fn days_that_are_none_are_left_out() {
        let wire =
            r#"{"market-holidays": ["2026-11-26", null, "soon", 7], "market-half-days": null, "later": {}}"#;
        let read = holidays(&serde_json::from_str(wire).expect("any object is read"));
        let thanksgiving = NaiveDate::from_ymd_opt(2026, 11, 26).expect("a date");
        assert_eq!(read.closed.into_iter().collect::<Vec<_>>(), [thanksgiving]);
        assert!(read.early.is_empty());
    }
}
