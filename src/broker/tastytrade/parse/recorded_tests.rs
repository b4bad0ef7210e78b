//! Recorded answers of the real API, where this checkout has them beside it.

use std::path::PathBuf;

use chrono::{TimeZone, Utc};

use super::{accounts, chain, contract, ledger, listing, market, orders, records};
use crate::broker::tastytrade::wire;
use crate::domain::report::SessionState;
use crate::domain::{Instrument, Symbol};
use crate::market::update::MarketUpdate;

/// The recording's text, or nothing, said plainly.
#[expect(clippy::print_stdout, reason = "a skipped test says that it was skipped")]
fn recorded(name: &str) -> Option<String> {
    let near = std::env::var_os("COTRADER_RECORDINGS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/api"), PathBuf::from);
    let text = std::fs::read_to_string(near.join(name)).ok();
    if text.is_none() {
        println!("skipped: no recording {name}");
    }
    text
}

/// Recordings come with and without the `data` envelope.
fn data(text: &str) -> serde_json::Value {
    let value: serde_json::Value = serde_json::from_str(text).expect("a recording is JSON");
    value.get("data").cloned().unwrap_or(value)
}

#[test]
fn the_recorded_chain_reads_completely() {
    let Some(text) = recorded("captures__nested-option-chain.json") else { return };
    let roots: wire::Items<wire::instrument::NestedChain> =
        serde_json::from_value(data(&text)).expect("a chain");
    let parsed = chain::chain(&Symbol::new("SPY").expect("a symbol"), roots.items);
    assert_eq!(parsed.unreadable, 0);
    assert!(parsed.streamer_names.is_empty(), "{:?}", parsed.streamer_names);
    assert!(parsed.chain.expirations.len() >= 3);
    let ticks: Vec<_> = parsed.chain.increments.values().flatten().map(|one| one.tick.to_string()).collect();
    assert_eq!(ticks, ["0.01"]);
    assert!(parsed.chain.expirations.iter().all(|e| e.strikes.len() == 3));
}

#[test]
fn the_recorded_quotes_read_completely() {
    let Some(text) = recorded("market_data_by_type.json") else { return };
    let rows: wire::Items<wire::market::MarketData> = serde_json::from_value(data(&text)).expect("rows");
    let now = Utc.with_ymd_and_hms(2026, 11, 20, 17, 0, 0).single().expect("an instant");
    let row = rows.items.good.iter().find(|row| row.symbol.as_str() == "AAPL").expect("AAPL");
    let apple = Instrument::Equity(Symbol::new("AAPL").expect("a symbol"));
    let [quote, ..] = market::snapshot(&apple, row, now);
    let MarketUpdate::Quote { quote, .. } = quote else { panic!("{quote:?}") };
    assert_eq!(quote.bid.map(|p| p.to_string()), Some("210.55".into()));
    assert!(quote.at.is_some() && quote.ask_size == Some(1.0));
}

#[test]
fn the_recorded_session_and_account_stream_frames_read() {
    let Some(text) = recorded("captures__market-session-current.json") else { return };
    let wire: wire::market::Session = serde_json::from_value(data(&text)).expect("a session");
    let session = market::session(&wire, wire.open_at.0.expect("an open"));
    assert_eq!(session.state, SessionState::Closed);
    assert!(session.next_open_at.is_some() && session.next_date.is_some());

    let Some(text) = recorded("frames__account__current-position.derived.json") else { return };
    let wire: wire::account::Position = serde_json::from_value(data(&text)).expect("a position");
    let position = accounts::position(&wire).expect("a position of ours");
    assert_eq!(position.quantity, rust_decimal::Decimal::ONE_HUNDRED);

    let Some(text) = recorded("frames__account__account-balance.derived.json") else { return };
    let wire: wire::account::Balance = serde_json::from_value(data(&text)).expect("balances");
    let balances = accounts::balances(&wire, session.open_at.expect("an open")).expect("balances");
    assert!(balances.cash.is_some() && balances.net_liq.is_some() && balances.requirement.is_some());
}

#[test]
fn the_recorded_orders_read_completely() {
    let account = crate::domain::AccountId::from_number("tastytrade", "5WX00042");
    let known = |named: &orders::Symbols<'_>| {
        contract::instrument(named.kind, named.symbol, named.underlying, &Default::default()).ok()
    };
    let Some(text) = recorded("order_dry_run.json") else { return };
    let answer: wire::order::OrderAnswer = serde_json::from_value(data(&text)).expect("a dry run");
    let now = Utc.with_ymd_and_hms(2026, 11, 20, 17, 0, 0).single().expect("an instant");
    let run = orders::dry_run(&answer, "hash".into(), "reference", now);
    let money = |value: Option<crate::domain::Money>| value.map(|money| money.to_string());
    assert_eq!(money(run.buying_power_change), Some("-102.302".into()));
    assert_eq!(money(run.margin_change), Some("-300".into()));
    assert_eq!(money(run.fees), Some("-2.302".into()));
    assert!(run.warnings.is_empty() && run.errors.is_empty());
    let mut order = answer.order.expect("an order");
    assert!(orders::report(&order, account, known).is_none(), "a dry run has no number");
    order.id = wire::Text(Some("1".into()));
    let report = orders::report(&order, account, known).expect("an order");
    assert_eq!(report.limit.map(|limit| limit.to_string()), Some("2.00 cr".into()));
    assert!(report.legs.iter().all(|leg| leg.instrument.is_some() && leg.action.is_some()));
    assert_eq!(report.updated_at, None, "nought is no instant");

    for (name, filled) in [
        ("frames__account__order.documented.json", true),
        ("frames__account__order-market.documented.json", false),
    ] {
        let Some(text) = recorded(name) else { return };
        let wire: wire::order::Order = serde_json::from_value(data(&text)).expect("an order");
        let report = orders::report(&wire, account, known).expect("an order");
        assert_eq!((report.is_filled(), report.id.0.as_str(), report.limit), (filled, "1", None));
        let [leg] = &report.legs[..] else { panic!("{report:?}") };
        assert!(leg.instrument.is_some() && leg.quantity == Some(rust_decimal::Decimal::ONE_HUNDRED));
    }
}

#[test]
fn the_recorded_trading_status_reads_completely() {
    let Some(text) = recorded("trading_status.json") else { return };
    let wire: wire::account::TradingStatus = serde_json::from_value(data(&text)).expect("a status");
    let status = records::trading_status(&wire);
    assert_eq!(status.obstacle(), None);
    assert_eq!(status.options_level.as_deref(), Some("No Restrictions"));
    assert_eq!(
        (status.short_calls, status.day_trades, status.margin_call),
        (Some(true), Some(0), Some(false))
    );
}

#[test]
fn the_recorded_transactions_and_margin_read_completely() {
    let Some(text) = recorded("transactions_listing.json") else { return };
    let rows: wire::Items<wire::ledger::Transaction> = serde_json::from_value(data(&text)).expect("rows");
    let read: Vec<_> = rows.items.good.iter().filter_map(ledger::transaction).collect();
    assert_eq!((read.len(), rows.items.bad), (3, 0));
    assert!(
        read.iter().all(|one| one.executed_at.is_some() && one.net_value.is_some() && one.date.is_some())
    );
    assert_eq!(read[2].value.map(|value| value.to_string()), Some("27.74".into()));
    assert_eq!(read[2].quantity, None, "money has no quantity");

    let Some(text) = recorded("margin_requirements.json") else { return };
    let report = ledger::margin(&serde_json::from_value(data(&text)).expect("a report"));
    assert_eq!(report.requirement.map(|money| money.to_string()), Some("4337.831401355".into()));
    assert!(report.equity.is_some_and(|equity| !equity.is_negative()) && report.at.is_some());
    assert_eq!((report.groups.len(), report.unread), (2, 0));
    assert!(report.groups.iter().all(|group| group.strategies.len() == 1 && group.buying_power.is_some()));
    assert_eq!(report.groups[1].strategies[0].includes_working_order, Some(true));
}

#[test]
fn the_recorded_customer_equities_and_watchlist_read_completely() {
    let Some(text) = recorded("captures__customer.json") else { return };
    let customer = ledger::customer(&serde_json::from_value(data(&text)).expect("a customer"));
    assert_eq!(customer.name.as_deref(), Some("REDACTED REDACTED"));
    assert!(customer.since.is_some() && customer.professional == Some(false));

    let Some(text) = recorded("captures__equities.json") else { return };
    let rows: wire::Items<wire::listing::Equity> = serde_json::from_value(data(&text)).expect("rows");
    let read: Vec<_> = rows.items.good.iter().filter_map(listing::equity).collect();
    assert_eq!((read.len(), rows.items.bad), (3, 0));
    assert!(read.iter().all(|one| one.increments.len() == 2 && one.is_etf.is_some()));

    let Some(text) = recorded("frames__account__public-watchlists.derived.json") else { return };
    let (list, unread) =
        ledger::watchlist(&serde_json::from_value(data(&text)).expect("a list")).expect("named");
    assert_eq!((list.name.as_str(), list.entries.len(), unread), ("High Options Volume", 2, 0));

    let Some(text) = recorded("captures__instrument-search.json") else { return };
    let rows: wire::Items<wire::listing::Found> = serde_json::from_value(data(&text)).expect("rows");
    assert!(!rows.items.good.is_empty());
    assert!(
        rows.items.good.iter().all(|row| listing::found(row).is_some_and(|one| one.description.is_some()))
    );
}
