//! A picture made by hand, for tests and benches: one small book, every panel filled. Not used by the program.

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::report::SessionState;
use crate::domain::time::new_york;
use crate::domain::units::{BenchmarkShares, Dollars, PerDay};
use crate::domain::view::View;
use crate::domain::{LimitId, LimitState, Money, PortfolioId, Price, Symbol, TradeId, TradingDate};
use crate::snapshot::header::LinkKind;
use crate::snapshot::market::{CalendarItem, IvRank, MarketQuote, TermState};
use crate::snapshot::overview::{AccountFigure, AnswerState, StripKind};
use crate::snapshot::{
    AccountStrip, Answer, Freshness, Header, LimitRow, LinkView, MarketPanel, Mode, PortfolioStrip,
    SafetyView, Shown, Snapshot,
};

mod book;
mod orders;
mod regime;
mod risk;
mod variants;

pub use orders::with_orders;
pub use variants::{breached, empty, killed, stale};

fn live<T>(value: T) -> Shown<T> {
    Shown::live(value)
}

fn dollars(value: i64) -> Shown<Money> {
    Shown::live(Money(Decimal::from(value)))
}

fn cents(value: i64) -> Shown<Price> {
    Shown::live(Price(Decimal::new(value, 2)))
}

fn symbol(text: &str) -> Symbol {
    Symbol::new(text).expect("samples are written in valid symbols")
}

fn day(month: u32, day: u32) -> TradingDate {
    let year = if month < 6 { 2027 } else { 2026 };
    NaiveDate::from_ymd_opt(year, month, day).expect("samples are written in valid dates")
}

pub fn trade_id(number: u128) -> TradeId {
    TradeId(Uuid::from_u128(number))
}

fn morning() -> crate::domain::Timestamp {
    let time = chrono::NaiveTime::from_hms_opt(10, 48, 0).expect("a time of day");
    new_york(day(11, 20), time)
}

/// The ordinary morning: live, within limits, a few things to do.
pub fn normal() -> Snapshot {
    let as_of = morning();
    Snapshot {
        revision: 1,
        as_of,
        mode: Mode::Demo,
        view: View::default(),
        header: header(as_of),
        freshness: freshness(as_of),
        market: market(),
        answer: answer(),
        account: account(),
        portfolios: portfolios(),
        underlyings: risk::underlyings(),
        scenario: risk::scenario(),
        stress: risk::stress(),
        positions: book::positions(),
        blotter: book::blotter(),
        orders: crate::snapshot::OrdersPanel::default(),
        limits: limits(),
        warnings: vec!["beta of XLF rests on 61 days of history".into()],
    }
}

fn header(as_of: crate::domain::Timestamp) -> Header {
    Header {
        scope: "all real".into(),
        exchange_time: crate::domain::time::to_new_york(as_of),
        session: SessionState::Open,
        session_until: Some(as_of + TimeDelta::seconds(18_720)),
        seconds_left: Some(18_720),
        early_close: false,
        link: link(),
        streaming: true,
        refreshing: false,
        computing: false,
        what_ifs: 1,
        what_ifs_counted: false,
        working: 0,
        unknown: 0,
        working_counted: false,
        read_only: None,
        read_only_remedy: None,
        safety: SafetyView::default(),
        breaches: 0,
        near: 3,
        limits_known: true,
        to_do: 2,
        banner: None,
    }
}

fn link() -> LinkView {
    LinkView { kind: LinkKind::Live, age_seconds: Some(0.4), why: None, account_stream_up: true }
}

fn freshness(as_of: crate::domain::Timestamp) -> Freshness {
    Freshness {
        link: link(),
        last_refresh: Some(as_of),
        live_instruments: 27,
        stale_instruments: 0,
        unpriced_instruments: 0,
        oldest_quote_seconds: Some(3),
        without_history: 0,
    }
}

fn market() -> MarketPanel {
    let quote = |name: &str, last, change, sigma| MarketQuote {
        symbol: symbol(name),
        last: live(last),
        change_percent: live(change),
        sigma_percent: live(sigma),
    };
    let rank = |name: &str, rank| IvRank { symbol: symbol(name), rank: live(rank) };
    let item = |date, words: &str| CalendarItem { date, words: words.into() };
    MarketPanel {
        halted: Vec::new(),
        quotes: vec![
            quote("SPY", 681.42, 0.61, 0.87),
            quote("QQQ", 612.08, 0.84, 1.19),
            quote("IWM", 243.17, -0.12, 1.29),
            quote("TLT", 91.20, 0.10, 0.79),
        ],
        vix: live(16.2),
        vix_change: live(-0.8),
        vix3m: live(18.9),
        term_ratio: live(0.857),
        term_state: TermState::Contango,
        term_stress: None,
        vol_premium: live(3.1),
        iv_ranks: vec![rank("SPY", 23.0), rank("QQQ", 31.0), rank("NVDA", 62.0)],
        regime: regime::regime(),
        rate_3m: Some(0.0402),
        calendar: vec![
            item(day(11, 26), "closed"),
            item(day(11, 27), "to 13:00, 1 of yours expires"),
            item(day(12, 9), "FOMC 14:00"),
            item(day(12, 10), "CPI 08:30 (unknown after)"),
            item(day(12, 18), "SPY ex-div 1.97e = expiry of 2 of yours"),
        ],
        events: regime::events(),
    }
}

fn answer() -> Answer {
    Answer {
        state: AnswerState::Within,
        headline: "WITHIN LIMITS".into(),
        sentence: "Long 77 SPY Δ, +$44 a day, breaks even ±0.86 % a day; worst cell −11,163 (4.4 %)".into(),
        short: "Long 77 SPY Δ, +$44/day, breaks even ±0.86 %; worst −11,163 4.4 %".into(),
        near: vec!["NVDA 93 % (Core)".into(), "TLT 91 % (Core)".into(), "SPY 82 % (Core)".into()],
    }
}

fn account() -> AccountStrip {
    let figure = |name: &str, masked: &str, net| AccountFigure {
        name: name.into(),
        masked_number: masked.into(),
        net_liq: dollars(net),
        broker_net_liq: Some(Money(Decimal::from(net))),
        cash: Some(Money(Decimal::from(net / 2))),
    };
    AccountStrip {
        net_liq: dollars(251_230),
        accounts: vec![figure("IRA", "…0001", 201_210), figure("personal", "…0002", 50_020)],
        var95: live(Dollars(1_184.0)),
        var_method: "Cornish–Fisher".into(),
        var_utilisation: live(0.16),
        es975: live(Dollars(1_733.0)),
        buying_power_used: live(0.19),
        day: dollars(35),
        open: dollars(2_673),
    }
}

fn limit(id: LimitId, portfolio: &str, used: f64, driver: &str) -> LimitRow {
    LimitRow {
        id,
        portfolio: portfolio.into(),
        value: Some(used * 0.02),
        limit: Some(0.02),
        utilisation: Some(used),
        state: LimitState::of(used),
        stale: false,
        driver: Some(symbol(driver)),
    }
}

fn portfolios() -> Vec<PortfolioStrip> {
    let strip = |name: &str, equity, beta, theta, worst, var, trades, tightest| PortfolioStrip {
        id: Some(PortfolioId::from_key(&name.to_lowercase())),
        name: name.into(),
        kind: StripKind::Real,
        equity: dollars(equity),
        beta_delta: live(BenchmarkShares(beta)),
        theta_day: live(PerDay(theta)),
        worst: live(Dollars(worst)),
        var95: live(Dollars(var)),
        trades,
        tightest: Some(tightest),
    };
    vec![
        strip("Core", 201_210, 74.0, 32.7, -10_177.0, 1_093.0, 6, limit(LimitId::L1, "Core", 0.93, "NVDA")),
        strip("Medium", 20_120, -1.2, 7.0, -632.0, 52.0, 2, limit(LimitId::L5, "Medium", 0.26, "QQQ")),
        strip("High", 9_900, 4.3, 4.1, -354.0, 39.0, 1, limit(LimitId::L5, "High", 0.13, "SPY")),
        PortfolioStrip {
            id: None,
            name: "unallocated".into(),
            kind: StripKind::Unallocated,
            equity: dollars(20_000),
            beta_delta: Shown::unknown(),
            theta_day: Shown::unknown(),
            worst: Shown::unknown(),
            var95: Shown::unknown(),
            trades: 0,
            tightest: None,
        },
    ]
}

fn limits() -> Vec<LimitRow> {
    vec![
        limit(LimitId::L1, "Core", 0.93, "NVDA"),
        limit(LimitId::L5, "Core", 0.27, "SPY"),
        limit(LimitId::L1, "Medium", 0.07, "IWM"),
        limit(LimitId::L5, "Medium", 0.26, "QQQ"),
        limit(LimitId::L1, "High", 0.05, "SPY"),
        limit(LimitId::L5, "High", 0.13, "SPY"),
    ]
}
