//! Snapshot quotes, market metrics, sessions, the quote token.

use serde::Deserialize;

use super::{Day, Flag, Many, Num, Secret, Text, When};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct MarketData {
    pub symbol: Text,
    pub instrument_type: Text,
    pub updated_at: When,
    pub bid: Num,
    pub bid_size: Num,
    pub ask: Num,
    pub ask_size: Num,
    pub mark: Num,
    pub last: Num,
    pub open: Num,
    pub day_high_price: Num,
    pub day_low_price: Num,
    pub prev_close: Num,
    pub open_interest: Num,
    pub is_trading_halted: Flag,
}

/// Index, rank, percentile and per-expiration volatilities are fractions here, on this wire.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Metrics {
    pub symbol: Text,
    pub implied_volatility_index: Num,
    pub implied_volatility_index_rank: Num,
    pub implied_volatility_percentile: Num,
    pub beta: Num,
    pub dividend_yield: Num,
    pub dividend_rate_per_share: Num,
    pub dividend_ex_date: Day,
    pub dividend_next_date: Day,
    pub earnings: Option<Earnings>,
    pub option_expiration_implied_volatilities: Many<ExpirationVolatility>,
    pub updated_at: When,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Earnings {
    pub expected_report_date: Day,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct ExpirationVolatility {
    pub expiration_date: Day,
    pub option_chain_type: Text,
    pub settlement_type: Text,
    pub implied_volatility: Num,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Session {
    pub state: Text,
    pub session_date: Day,
    pub open_at: When,
    pub close_at: When,
    pub next_session: Option<NextSession>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct NextSession {
    pub session_date: Day,
    pub open_at: When,
    pub close_at: When,
}

/// Dates alone, without an `items`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct Holidays {
    pub market_holidays: Many<Day>,
    pub market_half_days: Many<Day>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
pub struct QuoteToken {
    pub token: Secret,
    pub dxlink_url: Text,
    pub level: Text,
}
