//! The same book on other days: link down, limit breached, nothing held.

use super::{limit, live, normal, symbol, trade_id};
use crate::domain::LimitId;
use crate::domain::control::KillMode;
use crate::domain::report::SessionState;
use crate::domain::units::BenchmarkShares;
use crate::snapshot::header::LinkKind;
use crate::snapshot::overview::{AnswerState, Urgency};
use crate::snapshot::positions::{Flag, ModelWatch};
use crate::snapshot::{BlotterRow, LinkView, PositionsPanel, SafetyView, Shown, Snapshot, Standing};

/// The link is down: every figure is the last one known.
pub fn stale() -> Snapshot {
    let mut snapshot = normal();
    snapshot.header.link = LinkView {
        kind: LinkKind::Down,
        age_seconds: Some(73.0),
        why: Some("connection reset, next try in 8 s".into()),
        account_stream_up: false,
    };
    for quote in &mut snapshot.market.quotes {
        old(&mut quote.last);
        old(&mut quote.change_percent);
    }
    for row in &mut snapshot.underlyings.rows {
        old(&mut row.last);
        old(&mut row.change_percent);
        old(&mut row.delta_shares);
        let sums = &mut row.sums;
        old(&mut sums.dollar_delta);
        old(&mut sums.beta_delta);
        old(&mut sums.gamma_pnl_1pct);
        old(&mut sums.theta_day);
        old(&mut sums.vega_point);
        old(&mut sums.worst);
        old(&mut sums.var95);
        old(&mut sums.day);
        old(&mut sums.open);
    }
    let total = &mut snapshot.underlyings.total;
    old(&mut total.dollar_delta);
    old(&mut total.beta_delta);
    old(&mut total.theta_day);
    old(&mut total.worst);
    old(&mut snapshot.account.net_liq);
    old(&mut snapshot.account.day);
    old(&mut snapshot.account.var95);
    for cell in snapshot.scenario.cells.iter_mut().flatten() {
        old(cell);
    }
    snapshot
}

fn old<T>(shown: &mut Shown<T>) {
    shown.standing = shown.standing.max(Standing::Stale);
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
    nvda.sums.unpriced = 1;
    nvda.sums.vega_point = Shown::unknown();
    nvda.sums.theta_day = Shown::unknown();
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
        stale: false,
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

/// The kill switch is up, and something that must not happen did.
pub fn killed() -> Snapshot {
    let mut snapshot = normal();
    snapshot.header.safety = SafetyView {
        kill: Some(KillMode::Hard),
        kill_why: Some("flag file: too many fills".into()),
        kill_flag: true,
        alarms: vec!["order 1234 filled and was not sent from here".into()],
    };
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
    snapshot.positions = PositionsPanel {
        groups: Vec::new(),
        trades: 0,
        legs: 0,
        what_ifs_out: 0,
        models: ModelWatch::default(),
    };
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
        strip.beta_delta = live(BenchmarkShares(0.0));
    }
    snapshot.account.var95 = Shown::unknown();
    snapshot.account.var_utilisation = Shown::unknown();
    snapshot.account.es975 = Shown::unknown();
    snapshot
}
