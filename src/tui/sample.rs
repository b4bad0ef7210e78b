//! A picture made by hand, for tests and benches: one small book, every panel filled. Not used by the program.

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::domain::report::SessionState;
use crate::domain::time::new_york;
use crate::domain::view::{Horizon, View};
use crate::domain::{
    LimitId, LimitState, Money, PortfolioId, Price, Strategy, Symbol, TradeId, TradeKind, TradingDate,
};
use crate::snapshot::header::LinkKind;
use crate::snapshot::market::{CalendarItem, IvRank, MarketQuote, TermState};
use crate::snapshot::overview::{AccountFigure, AnswerState, StripKind, Urgency};
use crate::snapshot::positions::{Flag, LegRow, PositionGroup, TradeRow};
use crate::snapshot::risk::{ExpiryBucket, RiskDetail, RiskRow, RiskTotal, WorstCell};
use crate::snapshot::{
    AccountStrip, Answer, BlotterRow, Freshness, Header, LimitRow, LinkView, MarketPanel, Mode,
    PortfolioStrip, PositionsPanel, RiskPanel, ScenarioPanel, Shown, Snapshot, Standing, StressRow,
};

fn live(value: f64) -> Shown<f64> {
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

/// The ordinary morning: live, within limits, a few things to do.
pub fn normal() -> Snapshot {
    let noon = chrono::NaiveTime::from_hms_opt(10, 48, 0).expect("a time of day");
    let as_of = new_york(day(11, 20), noon);
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
        underlyings: underlyings(),
        scenario: scenario(),
        stress: stress(),
        positions: positions(),
        blotter: blotter(),
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
        working_counted: false,
        read_only: None,
        breaches: 0,
        near: 3,
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
        vol_premium: live(3.1),
        iv_ranks: vec![rank("SPY", 23.0), rank("QQQ", 31.0), rank("NVDA", 62.0)],
        rate_3m: Some(0.0402),
        calendar: vec![
            item(day(11, 26), "closed"),
            item(day(11, 27), "to 13:00, 1 of yours expires"),
            item(day(12, 9), "FOMC 14:00"),
            item(day(12, 10), "CPI 08:30"),
            item(day(12, 18), "SPY ex-div 1.97e = expiry of 2 of yours"),
        ],
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
        var95: live(1_184.0),
        var_method: "Cornish–Fisher".into(),
        var_utilisation: live(0.16),
        es975: live(1_733.0),
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
        beta_delta: live(beta),
        theta_day: live(theta),
        worst: live(worst),
        var95: live(var),
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

fn underlyings() -> RiskPanel {
    let detail = || RiskDetail {
        rho_1pct: live(-31.0),
        vanna: live(4.2),
        volga: live(-11.8),
        charm_day: live(-0.7),
        vega_30d: live(-96.0),
        market_value: live(-2_214.0),
        by_expiry: vec![
            ExpiryBucket { label: "0–7 d".into(), vega_point: -5.0, gamma_pnl_1pct: -11.0 },
            ExpiryBucket { label: "8–30 d".into(), vega_point: -34.0, gamma_pnl_1pct: -18.0 },
            ExpiryBucket { label: "31–60 d".into(), vega_point: -73.0, gamma_pnl_1pct: -12.0 },
        ],
    };
    let row =
        |name: &str, quote: [f64; 5], greeks: [f64; 6], pnl: [i64; 2], risk: [f64; 2], limit, next: &str| {
            RiskRow {
                symbol: symbol(name),
                last: live(quote[0]),
                change_percent: live(quote[1]),
                iv30: live(quote[2]),
                iv_rank: live(quote[3]),
                beta: live(quote[4]),
                beta_assumed: false,
                delta_shares: live(greeks[0]),
                dollar_delta: live(greeks[1]),
                beta_delta: live(greeks[2]),
                gamma_pnl_1pct: live(greeks[3]),
                theta_day: live(greeks[4]),
                vega_point: live(greeks[5]),
                day: dollars(pnl[0]),
                open: dollars(pnl[1]),
                worst: live(risk[0]),
                var95: live(risk[1]),
                binding: Some(limit),
                next_event: Some(next.into()),
                unpriced: 0,
                detail: detail(),
            }
        };
    RiskPanel {
        rows: vec![
            row(
                "NVDA",
                [186.20, -2.31, 40.0, 62.0, 1.68],
                [72.0, 13_344.0, 33.0, -8.0, 12.8, -17.0],
                [-284, 1_641],
                [-2_872.0, 467.0],
                limit(LimitId::L1, "Core", 0.93, "NVDA"),
                "exp 18 Dec",
            ),
            row(
                "SPY",
                [681.42, 0.61, 13.8, 23.0, 1.0],
                [29.0, 19_673.0, 29.0, -41.0, 20.7, -112.0],
                [240, 404],
                [-6_134.0, 492.0],
                limit(LimitId::L5, "Core", 0.82, "SPY"),
                "exp 27 Nov",
            ),
            row(
                "XLF",
                [52.40, 0.21, 16.5, 35.0, 0.95],
                [220.0, 11_538.0, 16.0, -5.0, 4.3, -14.0],
                [40, 438],
                [-1_459.0, 177.0],
                limit(LimitId::L1, "Core", 0.78, "XLF"),
                "ex-div 21 Dec 0.19",
            ),
            row(
                "IWM",
                [243.17, -0.12, 20.5, 28.0, 1.08],
                [6.0, 1_469.0, 2.0, -2.0, 1.3, -4.0],
                [3, 14],
                [-240.0, 33.0],
                limit(LimitId::L1, "Medium", 0.07, "IWM"),
                "exp 18 Dec",
            ),
            row(
                "TLT",
                [91.20, 0.10, 12.5, 40.0, -0.12],
                [130.0, 11_828.0, -2.0, 0.0, 2.9, -26.0],
                [30, 184],
                [-287.0, 7.0],
                limit(LimitId::L1, "Core", 0.91, "TLT"),
                "ex-div 1 Dec 0.31e",
            ),
            row(
                "QQQ",
                [612.08, 0.84, 19.0, 31.0, 1.21],
                [-1.0, -528.0, -1.0, -3.0, 1.8, -11.0],
                [5, -8],
                [-171.0, 8.0],
                limit(LimitId::L5, "Medium", 0.06, "QQQ"),
                "exp 15 Jan",
            ),
        ],
        total: RiskTotal {
            dollar_delta: live(57_324.0),
            beta_delta: live(77.0),
            gamma_pnl_1pct: live(-59.0),
            theta_day: live(43.8),
            vega_point: live(-186.0),
            day: dollars(35),
            open: dollars(2_673),
            worst: live(-11_163.0),
            var95: live(1_184.0),
            unpriced: 0,
        },
    }
}

fn scenario() -> ScenarioPanel {
    let cells = [
        [-11_163, -6_598, -5_070, -3_736, -3_142, -2_598, -1_650, -880, 401],
        [-10_405, -5_307, -3_626, -2_212, -1_610, -1_077, -207, 433, 1_305],
        [-10_141, -4_688, -2_886, -1_416, -815, -301, 487, 1_015, 1_628],
        [-9_974, -4_114, -2_136, -587, 0, 469, 1_120, 1_496, 1_853],
        [-9_939, -3_603, -1_398, 244, 770, 1_170, 1_647, 1_838, 2_004],
    ];
    ScenarioPanel {
        subject: "all real".into(),
        beta_mapped: true,
        horizon: Horizon::Now,
        roll_days: 0,
        spot_moves: vec![-0.10, -0.05, -0.03, -0.01, 0.0, 0.01, 0.03, 0.05, 0.10],
        vol_points: vec![20.0, 10.0, 5.0, 0.0, -5.0],
        cells: cells.iter().map(|row| row.iter().map(|v| live(f64::from(*v))).collect()).collect(),
        worst: Some(WorstCell {
            row: 0,
            column: 0,
            pnl: -11_163.0,
            of_net_liq: Some(0.0444),
            drivers: vec![(symbol("SPY"), -6_134.0), (symbol("NVDA"), -2_872.0), (symbol("XLF"), -1_459.0)],
        }),
        reverse: vec!["loses 5,000 at −5.9 %, 10,000 at −10.1 % spot".into()],
        unpriced: 0,
    }
}

fn stress() -> Vec<StressRow> {
    let row =
        |name: &str, pnl, share| StressRow { name: name.into(), pnl: live(pnl), of_net_liq: live(share) };
    vec![
        row("2008-10-15 −9.0 % +14 pt", -9_670.0, -0.038),
        row("2018-02-05 −4.1 % +20 pt", -5_888.0, -0.023),
        row("2020-03-16 −12.0 % +25 pt", -13_566.0, -0.054),
        row("2024-08-05 −3.0 % +15 pt", -4_381.0, -0.017),
    ]
}

fn leg(instrument: &str, label: &str, quantity: i64, entry: i64, mark: i64, dte: i64) -> LegRow {
    LegRow {
        instrument: instrument.into(),
        label: label.into(),
        quantity: Decimal::from(quantity),
        entry: cents(entry),
        bid: cents(mark - 2),
        ask: cents(mark + 2),
        mark: cents(mark),
        iv: live(17.2),
        broker_iv: live(17.4),
        delta_shares: live(8.4),
        theta_day: live(4.1),
        vega_point: live(-11.0),
        dte: Some(dte),
        day: dollars(12),
        open: dollars(31),
        model: "European for American".into(),
        quote_age_seconds: Some(3),
        european_for_american: true,
    }
}

/// Book, lots, entry and mark in cents, Δ, Θ, vega, DTE, day, open, percent of maximum.
type Figures<'a> = (&'a str, i64, [i64; 2], [f64; 3], i64, [i64; 2], f64);

fn trade(number: u128, strategy: Strategy, label: &str, figures: Figures<'_>, rule: &str) -> TradeRow {
    let (book, lots, [entry, mark], [delta, theta, vega], dte, [day_pnl, open], percent) = figures;
    TradeRow {
        id: trade_id(number),
        kind: TradeKind::Real,
        counted: true,
        strategy,
        label: label.into(),
        portfolio: Some(book.into()),
        account: Some(if book == "Core" { "IRA" } else { "personal" }.into()),
        quantity: Decimal::from(lots),
        entry: cents(entry),
        mark: cents(mark),
        delta_shares: live(delta),
        theta_day: live(theta),
        vega_point: live(vega),
        nearest_expiry: Some(day(12, 18)),
        dte: Some(dte),
        day: dollars(day_pnl),
        open: dollars(open),
        percent_of_max: live(percent),
        rule: rule.into(),
        flags: vec![Flag::EuropeanModel],
        state: "executed".into(),
        rationale: Some("income; premium rich against what realised".into()),
        legs: vec![
            leg(&format!("SPY   261218P{:08}", 645_000 + number), "put 645 18 Dec", -1, entry, mark, dte),
            leg(
                &format!("SPY   261218P{:08}", 640_000 + number),
                "put 640 18 Dec",
                1,
                entry / 2,
                mark / 2,
                dte,
            ),
        ],
    }
}

fn group(name: &str, summary: &str, sums: [f64; 3], pnl: [i64; 2], trades: Vec<TradeRow>) -> PositionGroup {
    PositionGroup {
        symbol: symbol(name),
        summary: summary.into(),
        delta_shares: live(sums[0]),
        theta_day: live(sums[1]),
        vega_point: live(sums[2]),
        day: dollars(pnl[0]),
        open: dollars(pnl[1]),
        trades,
    }
}

fn spy_trades() -> Vec<TradeRow> {
    use Strategy::{IronCondor, Single, VerticalSpread};
    let mut due = trade(
        1,
        VerticalSpread,
        "put spread 27 Nov 665/660",
        ("High", -1, [75, 36], [4.0, 4.1, -5.0], 7, [33, 39], 51.0),
        "CLOSE: 7 DTE ≤ 7, 51 % of max",
    );
    due.flags.extend([Flag::ExitDue, Flag::ExpiresSoon]);
    let mut what_if = trade(
        5,
        IronCondor,
        "iron condor 31 Dec 635/640 715/720",
        ("Medium", -1, [96, 96], [0.0; 3], 41, [0, 0], 0.0),
        "evaluated: 67 % of L5, no warning",
    );
    what_if.kind = TradeKind::WhatIf;
    what_if.counted = false;
    what_if.state = "evaluated".into();
    what_if.delta_shares = Shown::unknown();
    what_if.theta_day = Shown::unknown();
    what_if.vega_point = Shown::unknown();
    vec![
        due,
        trade(
            2,
            IronCondor,
            "iron condor 18 Dec 645/650 705/710",
            ("Medium", -1, [124, 124], [-3.0, 3.6, -15.0], 28, [7, 0], 0.0),
            "65 % at 0.43 · time exit 4 Dec",
        ),
        trade(
            3,
            VerticalSpread,
            "put spread 18 Dec 645/640",
            ("Core", -4, [62, 32], [8.0, 3.8, -19.0], 28, [57, 118], 48.0),
            "50 % at 0.31 · roll 27 Nov",
        ),
        trade(
            4,
            Single,
            "cash-secured put 15 Jan 650",
            ("Core", -1, [710, 463], [19.0, 9.2, -73.0], 56, [142, 247], 35.0),
            "wheel: 50 % at 3.55 or assigned",
        ),
        what_if,
    ]
}

fn positions() -> PositionsPanel {
    let single = |number, name: &str, strategy: Strategy, what: &str, sums: [f64; 3], pnl: [i64; 2]| {
        let figures = ("Core", -1, [410, 246], sums, 28, pnl, 40.0);
        let trade = trade(number, strategy, &format!("{what} 18 Dec"), figures, "50 % at 2.05");
        group(name, what, sums, pnl, vec![trade])
    };
    let mut tlt = single(8, "TLT", Strategy::CoveredCall, "covered call", [130.0, 2.9, -26.0], [30, 184]);
    tlt.summary = "covered call, no rationale".into();
    tlt.trades[0].rationale = None;
    tlt.trades[0].flags.push(Flag::NoRationale);
    PositionsPanel {
        groups: vec![
            group("SPY", "5 trades", [29.0, 20.7, -112.0], [240, 404], spy_trades()),
            single(6, "NVDA", Strategy::CoveredCall, "covered call", [72.0, 12.8, -17.0], [-284, 1_641]),
            single(7, "XLF", Strategy::CoveredCall, "covered call", [220.0, 4.3, -14.0], [40, 438]),
            tlt,
            single(9, "QQQ", Strategy::IronCondor, "iron condor", [-1.0, 1.8, -11.0], [5, -8]),
            single(10, "IWM", Strategy::VerticalSpread, "put spread", [6.0, 1.3, -4.0], [3, 14]),
        ],
        trades: 9,
        legs: 21,
        what_ifs_out: 1,
    }
}

fn blotter() -> Vec<BlotterRow> {
    vec![
        BlotterRow {
            key: "exit:1".into(),
            urgency: Urgency::Exit,
            to_do: true,
            portfolio: "High".into(),
            account: "personal".into(),
            action: "buy to close 1 SPY 27 Nov 665/660 put spread".into(),
            price: Some("0.36 → 0.38".into()),
            after: Some("keeps +37 · ΓPL1% −59 → −50".into()),
            why: "7 DTE ≤ 7".into(),
            by_when: Some("by Wed 25 Nov 15:30".into()),
            trade: Some(trade_id(1)),
            underlying: Some(symbol("SPY")),
        },
        BlotterRow {
            key: "why:8".into(),
            urgency: Urgency::Rationale,
            to_do: true,
            portfolio: "Core".into(),
            account: "IRA".into(),
            action: "TLT covered call has no rationale".into(),
            price: None,
            after: None,
            why: "adopted from the broker on 2 Nov: n".into(),
            by_when: None,
            trade: Some(trade_id(8)),
            underlying: Some(symbol("TLT")),
        },
        BlotterRow {
            key: "whatif:5".into(),
            urgency: Urgency::WhatIf,
            to_do: false,
            portfolio: "Medium".into(),
            account: "personal".into(),
            action: "sell 1 SPY 31 Dec 635/640 715/720 iron condor".into(),
            price: Some("0.96".into()),
            after: Some("VaR95 26 → 31 % of limit".into()),
            why: "evaluated, waiting for a decision".into(),
            by_when: None,
            trade: Some(trade_id(5)),
            underlying: Some(symbol("SPY")),
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

/// The link is down: every figure is the last one known.
pub fn stale() -> Snapshot {
    let mut snapshot = normal();
    snapshot.header.link = LinkView {
        kind: LinkKind::Down,
        age_seconds: Some(73.0),
        why: Some("connection reset, next try in 8 s".into()),
        account_stream_up: false,
    };
    let old = |shown: &mut Shown<f64>| shown.standing = shown.standing.max(Standing::Stale);
    let old_money = |shown: &mut Shown<Money>| shown.standing = shown.standing.max(Standing::Stale);
    for quote in &mut snapshot.market.quotes {
        old(&mut quote.last);
        old(&mut quote.change_percent);
    }
    for row in &mut snapshot.underlyings.rows {
        for shown in [
            &mut row.last,
            &mut row.change_percent,
            &mut row.delta_shares,
            &mut row.dollar_delta,
            &mut row.beta_delta,
            &mut row.gamma_pnl_1pct,
            &mut row.theta_day,
            &mut row.vega_point,
            &mut row.worst,
            &mut row.var95,
        ] {
            old(shown);
        }
        old_money(&mut row.day);
        old_money(&mut row.open);
    }
    let total = &mut snapshot.underlyings.total;
    for shown in [&mut total.dollar_delta, &mut total.beta_delta, &mut total.theta_day, &mut total.worst] {
        old(shown);
    }
    old_money(&mut snapshot.account.net_liq);
    old_money(&mut snapshot.account.day);
    old(&mut snapshot.account.var95);
    for cell in snapshot.scenario.cells.iter_mut().flatten() {
        old(cell);
    }
    snapshot
}

/// A limit is breached, one leg has no price, one trade waits for a portfolio.
pub fn breached() -> Snapshot {
    let mut snapshot = normal();
    snapshot.header.breaches = 1;
    snapshot.header.to_do = 4;
    snapshot.answer.state = AnswerState::Breached;
    snapshot.answer.headline = "BREACHED: beta delta Core".into();
    let nvda = &mut snapshot.underlyings.rows[0];
    nvda.binding = Some(limit(LimitId::L1, "Core", 1.12, "NVDA"));
    nvda.unpriced = 1;
    nvda.vega_point = Shown::unknown();
    nvda.theta_day = Shown::unknown();
    snapshot.underlyings.total.unpriced = 1;
    snapshot.underlyings.total.vega_point = Shown::unknown();
    snapshot.portfolios[0].tightest = Some(limit(LimitId::L1, "Core", 1.12, "NVDA"));
    snapshot.account.var_utilisation = live(1.04);
    snapshot.positions.groups[1].trades[0].flags.extend([Flag::Unpriced, Flag::AssignmentRisk]);
    let row = |key: &str, urgency, action: &str, why: &str| BlotterRow {
        key: key.into(),
        urgency,
        to_do: true,
        portfolio: "Core".into(),
        account: "IRA".into(),
        action: action.into(),
        price: Some("1.85 → 1.80".into()),
        after: Some("beta delta 112 → 88 %".into()),
        why: why.into(),
        by_when: Some("today".into()),
        trade: Some(trade_id(6)),
        underlying: Some(symbol("NVDA")),
    };
    snapshot
        .blotter
        .insert(0, row("breach:L1", Urgency::Breach, "sell 1 NVDA 18 Dec 190 call", "112 % of L1"));
    snapshot
        .blotter
        .insert(1, row("expiry:6", Urgency::Expiry, "roll or close NVDA 180 call", "in the money, 2 d"));
    snapshot.warnings.insert(0, "1 NVDA leg has a crossed quote and is in no figure".into());
    snapshot
}

/// No positions yet, before the open, nothing streaming.
pub fn empty() -> Snapshot {
    let mut snapshot = normal();
    let header = &mut snapshot.header;
    header.session = SessionState::PreMarket;
    header.seconds_left = Some(2_520);
    header.link =
        LinkView { kind: LinkKind::Snapshot, age_seconds: Some(240.0), why: None, account_stream_up: false };
    (header.what_ifs, header.near, header.to_do, header.streaming) = (0, 0, 0, false);
    header.banner = Some("demo: no credentials found; `cotrader init` sets them up".into());
    snapshot.answer.sentence = "no positions, no risk".into();
    snapshot.answer.short = "no positions, no risk".into();
    snapshot.answer.near.clear();
    snapshot.underlyings.rows.clear();
    snapshot.positions = PositionsPanel { groups: Vec::new(), trades: 0, legs: 0, what_ifs_out: 0 };
    snapshot.blotter.clear();
    snapshot.limits.clear();
    snapshot.scenario.cells.clear();
    snapshot.scenario.worst = None;
    snapshot.scenario.reverse.clear();
    snapshot.stress.clear();
    snapshot.market.calendar.clear();
    snapshot.market.rate_3m = None;
    for strip in &mut snapshot.portfolios {
        strip.tightest = None;
        strip.beta_delta = live(0.0);
    }
    snapshot.account.var95 = Shown::unknown();
    snapshot.account.var_utilisation = Shown::unknown();
    snapshot.account.es975 = Shown::unknown();
    snapshot
}
