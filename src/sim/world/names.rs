//! The underlyings of the made-up market: levels, volatilities, dividends, earnings, listing rules.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::domain::TradingDate;

use super::days;

/// How often a name goes ex-dividend, and on which day of the month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExRule {
    None,
    /// First session of every month.
    Monthly,
    /// Third Friday of the quarter's last month.
    QuarterThirdFriday,
    /// The session after that.
    QuarterAfterThirdFriday,
    /// First Wednesday of the quarter's last month.
    QuarterFirstWednesday,
    /// Third Thursday of the quarter's middle month.
    QuarterMiddle,
}

/// Which expirations are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiries {
    /// Every session for three weeks, Fridays for eight, month ends for three months, monthlies for a year.
    Daily,
    /// Fridays for eight weeks, monthlies for a year.
    Weekly,
    /// The Wednesday thirty days before the following month's third Friday.
    Volatility,
    None,
}

#[derive(Debug, Clone, Copy)]
pub struct Name {
    pub symbol: &'static str,
    pub description: &'static str,
    pub market: &'static str,
    pub is_index: bool,
    pub is_etf: bool,
    /// At 10:48 New York on the anchor date, and the change since the close before.
    pub level: f64,
    pub change: f64,
    pub iv30: f64,
    pub iv_long: f64,
    /// How strongly its volatility follows the general one.
    pub iv_follow: f64,
    pub iv_rank: f64,
    pub beta: f64,
    /// Volatility per year that the market does not explain.
    pub own_vol: f64,
    /// SSVI shape: correlation and curvature.
    pub skew: f64,
    pub curvature: f64,
    pub dividend: f64,
    pub ex_rule: ExRule,
    /// Reports quarterly, and moves this much on it (a standard deviation).
    pub earnings_move: f64,
    pub expiries: Expiries,
    pub fine_step: f64,
    pub fine_range: f64,
    pub coarse_step: f64,
    /// Option spreads relative to the most liquid names.
    pub spread: f64,
    pub sector: &'static str,
    pub volume: f64,
}

const BASE: Name = Name {
    symbol: "",
    description: "",
    market: "ARCX",
    is_index: false,
    is_etf: true,
    level: 100.0,
    change: 0.0,
    iv30: 0.2,
    iv_long: 0.2,
    iv_follow: 0.5,
    iv_rank: 0.3,
    beta: 1.0,
    own_vol: 0.0,
    skew: -0.65,
    curvature: 1.0,
    dividend: 0.0,
    ex_rule: ExRule::None,
    earnings_move: 0.0,
    expiries: Expiries::Weekly,
    fine_step: 1.0,
    fine_range: 0.08,
    coarse_step: 5.0,
    spread: 1.0,
    sector: "",
    volume: 20e6,
};

const SPY: Name = Name {
    symbol: "SPY",
    description: "SPDR S&P 500 ETF Trust",
    level: 681.42,
    change: 0.0061,
    iv30: 0.138,
    iv_long: 0.165,
    iv_follow: 0.85,
    iv_rank: 0.23,
    dividend: 1.97,
    ex_rule: ExRule::QuarterThirdFriday,
    expiries: Expiries::Daily,
    fine_range: 0.04,
    volume: 70e6,
    ..BASE
};

pub const NAMES: [Name; 12] = [
    SPY,
    Name {
        symbol: "QQQ",
        description: "Invesco QQQ Trust, Series 1",
        market: "XNAS",
        level: 612.08,
        change: 0.0084,
        iv30: 0.19,
        iv_long: 0.21,
        iv_follow: 0.8,
        iv_rank: 0.31,
        beta: 1.21,
        own_vol: 0.05,
        skew: -0.6,
        dividend: 0.74,
        ex_rule: ExRule::QuarterAfterThirdFriday,
        volume: 45e6,
        ..SPY
    },
    Name {
        symbol: "IWM",
        description: "iShares Russell 2000 ETF",
        level: 243.17,
        change: -0.0012,
        iv30: 0.205,
        iv_long: 0.22,
        iv_follow: 0.7,
        iv_rank: 0.28,
        beta: 1.08,
        own_vol: 0.08,
        skew: -0.55,
        curvature: 0.9,
        dividend: 0.71,
        ex_rule: ExRule::QuarterAfterThirdFriday,
        fine_range: 0.08,
        spread: 1.3,
        volume: 28e6,
        ..SPY
    },
    Name {
        symbol: "XSP",
        description: "Mini-SPX Index",
        market: "CBOE",
        is_index: true,
        is_etf: false,
        // Carried like an index: a continuous yield instead of ex-dates.
        dividend: 0.0,
        ex_rule: ExRule::None,
        spread: 2.5,
        volume: 0.0,
        ..SPY
    },
    Name {
        symbol: "VIX",
        description: "CBOE Volatility Index",
        market: "CBOE",
        is_index: true,
        is_etf: false,
        level: 16.2,
        change: -0.047_058_8,
        iv30: 0.85,
        iv_long: 0.6,
        iv_follow: 0.4,
        iv_rank: 0.36,
        beta: -6.0,
        own_vol: 0.35,
        skew: 0.55,
        curvature: 1.0,
        expiries: Expiries::Volatility,
        fine_step: 0.5,
        coarse_step: 1.0,
        spread: 2.0,
        volume: 0.0,
        ..BASE
    },
    Name {
        symbol: "VIX3M",
        description: "CBOE S&P 500 3-Month Volatility Index",
        market: "CBOE",
        is_index: true,
        is_etf: false,
        level: 18.9,
        change: -0.021,
        beta: -3.3,
        own_vol: 0.18,
        expiries: Expiries::None,
        volume: 0.0,
        ..BASE
    },
    Name {
        symbol: "NVDA",
        description: "NVIDIA Corporation - Common Stock",
        market: "XNAS",
        is_etf: false,
        level: 186.20,
        change: -0.0231,
        iv30: 0.40,
        iv_long: 0.43,
        iv_rank: 0.62,
        beta: 1.68,
        own_vol: 0.26,
        skew: -0.25,
        curvature: 0.7,
        dividend: 0.01,
        ex_rule: ExRule::QuarterFirstWednesday,
        earnings_move: 0.065,
        fine_step: 2.5,
        fine_range: 0.15,
        spread: 1.4,
        sector: "Technology",
        volume: 180e6,
        ..BASE
    },
    Name {
        symbol: "AAPL",
        description: "Apple Inc. - Common Stock",
        market: "XNAS",
        is_etf: false,
        level: 188.60,
        change: 0.0032,
        iv30: 0.235,
        iv_long: 0.26,
        iv_rank: 0.27,
        beta: 1.15,
        own_vol: 0.15,
        skew: -0.35,
        curvature: 0.75,
        dividend: 0.26,
        ex_rule: ExRule::QuarterMiddle,
        earnings_move: 0.035,
        fine_step: 2.5,
        fine_range: 0.15,
        spread: 1.6,
        sector: "Technology",
        volume: 48e6,
        ..BASE
    },
    Name {
        symbol: "MSFT",
        description: "Microsoft Corporation - Common Stock",
        market: "XNAS",
        is_etf: false,
        level: 478.35,
        change: 0.0041,
        iv30: 0.225,
        iv_long: 0.245,
        iv_rank: 0.33,
        beta: 1.05,
        own_vol: 0.14,
        skew: -0.35,
        curvature: 0.75,
        dividend: 0.91,
        ex_rule: ExRule::QuarterMiddle,
        earnings_move: 0.04,
        fine_step: 5.0,
        fine_range: 0.10,
        coarse_step: 10.0,
        spread: 2.2,
        sector: "Technology",
        volume: 21e6,
        ..BASE
    },
    Name {
        symbol: "XLF",
        description: "Financial Select Sector SPDR Fund",
        level: 52.40,
        change: 0.0021,
        iv30: 0.165,
        iv_long: 0.18,
        iv_follow: 0.7,
        iv_rank: 0.35,
        beta: 0.95,
        own_vol: 0.07,
        skew: -0.5,
        curvature: 0.9,
        dividend: 0.19,
        ex_rule: ExRule::QuarterAfterThirdFriday,
        fine_step: 0.5,
        fine_range: 0.12,
        coarse_step: 1.0,
        spread: 1.3,
        volume: 38e6,
        ..BASE
    },
    Name {
        symbol: "TLT",
        description: "iShares 20+ Year Treasury Bond ETF",
        market: "XNAS",
        level: 91.20,
        change: 0.0010,
        iv30: 0.125,
        iv_long: 0.14,
        iv_follow: 0.3,
        iv_rank: 0.40,
        beta: -0.12,
        own_vol: 0.10,
        skew: -0.1,
        curvature: 0.7,
        dividend: 0.31,
        ex_rule: ExRule::Monthly,
        fine_step: 0.5,
        fine_range: 0.10,
        coarse_step: 1.0,
        spread: 1.2,
        volume: 35e6,
        ..BASE
    },
    Name {
        symbol: "GLD",
        description: "SPDR Gold Shares",
        level: 384.50,
        change: 0.0057,
        iv30: 0.18,
        iv_long: 0.185,
        iv_follow: 0.3,
        iv_rank: 0.44,
        beta: 0.08,
        own_vol: 0.15,
        skew: 0.15,
        curvature: 0.7,
        fine_range: 0.05,
        spread: 1.8,
        volume: 11e6,
        ..BASE
    },
];

pub fn position_of(symbol: &str) -> Option<usize> {
    NAMES.iter().position(|n| n.symbol == symbol)
}

/// The ex-dividend date in a month, if the rule has one there.
fn ex_date(rule: ExRule, year: i32, month: u32) -> Option<TradingDate> {
    let quarter_end = month.is_multiple_of(3);
    let middle = month % 3 == 2;
    match rule {
        ExRule::None => None,
        ExRule::Monthly => {
            NaiveDate::from_ymd_opt(year, month, 1).map(|d| days::session_after(d - Days::new(1)))
        }
        ExRule::QuarterThirdFriday if quarter_end => days::third_friday(year, month),
        ExRule::QuarterAfterThirdFriday if quarter_end => {
            days::third_friday(year, month).map(days::session_after)
        }
        ExRule::QuarterFirstWednesday if quarter_end => {
            days::nth_weekday(year, month, Weekday::Wed, 1).map(days::session_on_or_before)
        }
        ExRule::QuarterMiddle if middle => {
            days::nth_weekday(year, month, Weekday::Thu, 3).map(days::session_on_or_before)
        }
        _ => None,
    }
}

/// Months from the one of `from` on, as (year, month).
pub fn months(from: TradingDate, count: u32) -> impl Iterator<Item = (i32, u32)> {
    let (year, month0) = (from.year(), from.month0());
    (0..count).map(move |k| {
        let index = month0 + k;
        (year + i32::try_from(index / 12).unwrap_or(0), index % 12 + 1)
    })
}

impl Name {
    /// Ex-dates after `after`, up to and including `until`.
    pub fn ex_dates(&self, after: TradingDate, until: TradingDate) -> Vec<TradingDate> {
        if self.ex_rule == ExRule::None || until <= after {
            return Vec::new();
        }
        let span = u32::try_from((until - after).num_days() / 28).unwrap_or(0).min(60) + 2;
        months(after, span)
            .filter_map(|(y, m)| ex_date(self.ex_rule, y, m))
            .filter(|d| *d > after && *d <= until)
            .collect()
    }

    pub fn next_ex_date(&self, today: TradingDate) -> Option<TradingDate> {
        self.ex_dates(today - Days::new(1), today + Days::new(130)).into_iter().next()
    }

    pub fn last_ex_date(&self, today: TradingDate) -> Option<TradingDate> {
        self.ex_dates(today - Days::new(130), today).into_iter().next_back()
    }

    pub fn dividends_per_year(&self) -> f64 {
        match self.ex_rule {
            ExRule::None => 0.0,
            ExRule::Monthly => 12.0,
            _ => 4.0,
        }
    }

    /// The first report date on or after `today`, after the close.
    pub fn next_earnings(&self, today: TradingDate) -> Option<TradingDate> {
        if self.earnings_move <= 0.0 {
            return None;
        }
        months(today, 5)
            .filter_map(|(y, m)| match self.symbol {
                "NVDA" if m % 3 == 2 => days::nth_weekday(y, m, Weekday::Wed, 3),
                "AAPL" if m % 3 == 1 => days::nth_weekday(y, m, Weekday::Thu, 4),
                "MSFT" if m % 3 == 1 => days::nth_weekday(y, m, Weekday::Wed, 4),
                _ => None,
            })
            .find(|d| *d >= today)
    }
}
