//! Panels 4 and 5 of the sample book.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::{cents, day, dollars, live, symbol, trade_id};
use crate::domain::units::{PerDay, PerVolPoint, Shares};
use crate::domain::{PortfolioId, Right, Strategy, TradeKind};
use crate::snapshot::overview::Urgency;
use crate::snapshot::positions::{
    Flag, LegModels, LegRow, ModelFigures, ModelState, ModelWatch, Outlook, PositionGroup, RouteRow,
    TouchRow, TradeRow, Unlimited,
};
use crate::snapshot::{BlotterRow, PositionsPanel, Shown};

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
        delta_shares: live(Shares(8.4)),
        theta_day: live(PerDay(4.1)),
        vega_point: live(PerVolPoint(-11.0)),
        dte: Some(dte),
        day: dollars(12),
        open: dollars(31),
        model: "american".into(),
        quote_age_seconds: Some(3),
        models: Some(models()),
    }
}

/// Both models, of one mind.
fn models() -> LegModels {
    let figures = |iv: f64, delta: f64, theta: f64| ModelFigures {
        price: Some(1.24),
        iv_percent: Some(iv),
        delta: Some(delta),
        gamma: Some(0.0061),
        theta_day: Some(theta),
        vega_point: Some(0.11),
        rho_1pct: None,
    };
    LegModels {
        state: ModelState::Agree,
        differing: Vec::new(),
        cause: None,
        broker_at: super::morning() - TimeDelta::seconds(2),
        own: figures(17.2, -0.084, -0.041),
        broker: figures(17.4, -0.086, -0.043),
        difference: ModelFigures {
            iv_percent: Some(0.2),
            delta: Some(-0.002),
            theta_day: Some(-0.002),
            ..ModelFigures::default()
        },
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
        delta_shares: live(Shares(delta)),
        theta_day: live(PerDay(theta)),
        vega_point: live(PerVolPoint(vega)),
        nearest_expiry: Some(day(12, 18)),
        dte: Some(dte),
        day: dollars(day_pnl),
        open: dollars(open),
        estimated_fees: None,
        outlook: outlook(lots.abs(), entry),
        percent_of_max: live(percent),
        rule: rule.into(),
        flags: Vec::new(),
        state: "executed".into(),
        is_open: true,
        rationale: Some("income; premium rich against what realised".into()),
        no_orders: Vec::new(),
        routes: routes(book),
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

/// Of a put spread 645/640, sold at a price in cents.
fn outlook(lots: i64, entry: i64) -> Outlook {
    Outlook {
        max_profit: dollars(lots * entry),
        max_loss: dollars(lots * (500 - entry)),
        unlimited: Unlimited::default(),
        breakevens: Some(vec![644.38]),
        pop: live(0.842),
        p_max_profit: live(0.836),
        p_max_loss: live(0.118),
        probability_of_touch: vec![TouchRow {
            strike: Decimal::from(645),
            right: Right::Put,
            probability: live(0.331),
        }],
        ev: dollars(-4),
        ev_forecast: dollars(11),
        unknown_because: None,
    }
}

/// Core is the IRA's; Medium and High share the other account.
fn routes(book: &str) -> Vec<RouteRow> {
    let others = ["Medium", "High", "Core"].into_iter().filter(|name| *name != book);
    let mut routes: Vec<RouteRow> = others
        .map(|name| RouteRow {
            portfolio: PortfolioId::from_key(&name.to_lowercase()),
            name: name.into(),
            refused: ((name == "Core") != (book == "Core"))
                .then(|| format!("{name} lives in another account than the position")),
        })
        .collect();
    routes.sort_by_key(|route| route.refused.is_some());
    routes
}

fn group(name: &str, summary: &str, sums: [f64; 3], pnl: [i64; 2], trades: Vec<TradeRow>) -> PositionGroup {
    PositionGroup {
        symbol: symbol(name),
        summary: summary.into(),
        delta_shares: live(Shares(sums[0])),
        theta_day: live(PerDay(sums[1])),
        vega_point: live(PerVolPoint(sums[2])),
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
    what_if.is_open = false;
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

pub(super) fn positions() -> PositionsPanel {
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
        models: ModelWatch {
            compared: 21,
            theta_unit: Some("per day".into()),
            vega_unit: Some("per point".into()),
            sample: 20,
            ..ModelWatch::default()
        },
    }
}

pub(super) fn blotter() -> Vec<BlotterRow> {
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
            stale: false,
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
            stale: false,
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
            stale: false,
            trade: Some(trade_id(5)),
            underlying: Some(symbol("SPY")),
        },
    ]
}
