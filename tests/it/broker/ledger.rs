//! What the broker keeps and lists beside book and market: the adapter against the simulated broker, and lists that
//! do not come whole.

use chrono::NaiveDate;
use cotrader::broker::{Broker, BrokerError, Catalogue, Ledger};
use cotrader::domain::ledger::{TransactionKind, WatchlistOwner};
use cotrader::domain::{Instrument, Symbol, TradingDate};
use serde_json::{Value, json};

use super::fake::{Canned, Fake};
use super::simulated::{adapter, sim};

fn day(text: &str) -> TradingDate {
    text.parse::<NaiveDate>().expect("a date")
}

fn spy() -> Symbol {
    Symbol::new("SPY").expect("a symbol")
}

#[tokio::test]
async fn what_is_kept_of_the_accounts_reads_completely() {
    let sim = sim().await;
    let broker = adapter(&sim);
    assert_eq!(broker.customer().await.expect("a customer").name.as_deref(), Some("Sim Trader"));
    for held in broker.accounts().await.expect("a report").accounts {
        let id = held.account.id;
        let rows = broker.transactions(id, day("2026-01-01")).await.expect("transactions");
        assert!(rows.len() > 5);
        assert!(rows.windows(2).all(|pair| pair[0].executed_at >= pair[1].executed_at), "newest first");
        for row in &rows {
            let whole = row.net_value.zip(row.value).zip(row.fees).expect("signed amounts");
            let ((net, value), fees) = whole;
            assert_eq!(net, value + fees, "{row:?}");
            assert!(row.date.is_some() && row.kind.is_some(), "{row:?}");
        }
        let trades = rows.iter().filter(|row| row.kind == Some(TransactionKind::Trade));
        assert!(trades.clone().count() > 5 && trades.clone().all(|row| row.underlying.is_some()));
        let later = broker.transactions(id, day("2026-11-15")).await.expect("transactions");
        assert!(later.len() < rows.len() && later.iter().all(|row| row.date >= Some(day("2026-11-15"))));

        let of_day = rows.iter().find_map(|row| row.date).expect("a day with a transaction");
        let told = broker.fees_of_day(id, of_day).await.expect("fees").expect("said");
        let summed = rows.iter().filter(|row| row.date == Some(of_day)).filter_map(|row| row.fees).sum();
        assert_eq!(told, summed);

        let history = broker.net_liq_history(id, day("2026-11-02")).await.expect("a history");
        assert!(history.rows.len() > 10 && history.unread == 0);
        assert!(history.rows.windows(2).all(|pair| pair[0].at < pair[1].at));
        let last = history.rows.last().and_then(|bar| bar.close).expect("a close");
        let balances = held.balances.as_ref().and_then(|balances| balances.net_liq).expect("a net liq");
        assert!((last - balances).to_f64().abs() < 0.01 * balances.to_f64(), "{last} {balances}");

        let margin = broker.margin(id).await.expect("a report");
        let groups = margin.groups.iter().filter_map(|group| group.requirement).sum();
        assert_eq!(margin.requirement, Some(groups), "the whole is its parts");
        assert_eq!(margin.unread, 0);
        let positions =
            margin.groups.iter().flat_map(|group| &group.strategies).flat_map(|one| &one.positions);
        assert_eq!(Some(positions.count()), held.positions.as_ref().map(Vec::len));
    }
    let public = broker.watchlists(WatchlistOwner::Broker).await.expect("lists");
    assert!(public.rows.len() > 2 && public.unread == 0);
    // A name with a space in the path.
    let one = broker.watchlist(WatchlistOwner::Broker, "Liquid ETFs").await.expect("a list");
    assert!(one.entries.iter().any(|entry| entry.symbol == "SPY"));
    assert!(broker.watchlists(WatchlistOwner::Own).await.expect("lists").rows.is_empty());
    let gone = broker.watchlist(WatchlistOwner::Own, "../public-watchlists").await;
    assert!(matches!(gone, Err(BrokerError::NotFound { .. })), "{gone:?}");
}

#[tokio::test]
async fn what_is_listed_reads_completely_and_both_chains_agree() {
    let sim = sim().await;
    let broker = adapter(&sim);
    let vix = Symbol::new("VIX").expect("a symbol");
    let spy_details = broker.equity(&spy()).await.expect("a fund");
    assert_eq!((spy_details.is_etf, spy_details.is_index), (Some(true), Some(false)));
    assert!(!spy_details.increments.is_empty() && !spy_details.option_increments.is_empty());
    let both =
        broker.equities(&[spy(), vix.clone(), Symbol::new("NOPE").expect("a symbol")]).await.expect("some");
    assert_eq!(both.len(), 2);
    assert!(both.iter().any(|one| one.symbol == vix && one.is_index == Some(true)));

    for underlying in [spy(), Symbol::new("XSP").expect("a symbol")] {
        let flat = broker.options(&underlying).await.expect("contracts");
        assert_eq!(flat.unread, 0);
        let chain = broker.chain(&underlying).await.expect("a chain");
        let strikes = chain.expirations.iter().flat_map(|expiration| &expiration.strikes);
        let mut nested: Vec<Instrument> =
            strikes.flat_map(|one| [one.call.clone(), one.put.clone()]).collect();
        let mut listed: Vec<Instrument> =
            flat.rows.iter().map(|one| Instrument::Option(std::sync::Arc::clone(&one.contract))).collect();
        nested.sort();
        listed.sort();
        assert!(nested == listed, "{underlying}: {} and {}", nested.len(), listed.len());
        let one = &flat.rows[flat.rows.len() / 2];
        assert_eq!(broker.option(&one.contract).await.as_ref(), Ok(one), "by itself it is the same");
    }
    let paid = broker.dividends(&spy()).await.expect("dividends");
    assert!(paid.rows.len() > 3 && paid.rows.iter().all(|one| one.amount.is_some()));
    assert!(paid.rows.windows(2).all(|pair| pair[0].date > pair[1].date));
    let nvda = Symbol::new("NVDA").expect("a symbol");
    let reports = broker.earnings(&nvda, day("2025-01-01")).await.expect("reports");
    assert!(!reports.rows.is_empty() && reports.rows.iter().all(|one| one.per_share.is_some()));
    let found = broker.search("SP").await.expect("symbols");
    assert!(found.rows.iter().any(|one| one.symbol == "SPY"));
}

fn page(ids: std::ops::Range<u32>, pages: Option<u32>, total: Option<u32>) -> Canned {
    let items: Vec<Value> = ids.map(|id| json!({ "id": id + 1, "transaction-type": "Trade" })).collect();
    let pagination = pages.map(|pages| json!({ "total-pages": pages, "total-items": total }));
    Canned::ok(&json!({ "data": { "items": items }, "pagination": pagination }).to_string())
}

/// An adapter whose one account has these pages of transactions.
async fn read(pages: Vec<Canned>) -> (Result<usize, BrokerError>, usize) {
    const PATH: &str = "/accounts/5CT00001/transactions";
    let fake = Fake::start().await;
    let accounts = r#"{"data":{"items":[{"account":{"account-number":"5CT00001"}}]}}"#;
    fake.script.on("/customers/me/accounts", [Canned::ok(accounts)]);
    fake.script.on("/accounts/5CT00001/positions", [Canned::ok(r#"{"data":{"items":[]}}"#)]);
    fake.script.on("/accounts/5CT00001/balances/USD", [Canned::ok(r#"{"data":{"cash-balance":"1"}}"#)]);
    fake.script.on(PATH, pages);
    let adapter = fake.adapter();
    let id = adapter.accounts().await.expect("a report").accounts[0].account.id;
    let read = adapter.transactions(id, day("2026-01-01")).await.map(|rows| rows.len());
    (read, fake.script.count(PATH))
}

#[tokio::test]
async fn a_list_of_several_pages_is_read_to_its_end_and_no_line_twice() {
    let moved = vec![
        page(10..20, Some(3), Some(25)),
        // One came meanwhile: the first of this page was the last of the one before.
        page(19..29, Some(3), Some(26)),
        page(29..36, Some(3), Some(26)),
    ];
    assert_eq!(read(moved).await, (Ok(26), 3));
    assert_eq!(read(vec![page(0..0, Some(0), Some(0))]).await, (Ok(0), 1));
    // Without a count the end is where nothing new comes.
    assert_eq!(
        read(vec![page(0..5, None, None), page(5..7, None, None), page(0..0, None, None)]).await,
        (Ok(7), 3)
    );
}

#[tokio::test]
async fn a_list_that_does_not_come_whole_is_an_error() {
    let bad = Canned::ok(r#"{"data":{"items":["rubbish"]},"pagination":{"total-pages":1}}"#);
    let nameless = Canned::ok(r#"{"data":{"items":[{"value":"1.0"}]},"pagination":{"total-pages":1}}"#);
    for pages in [
        vec![page(0..10, Some(2), Some(20)), page(0..0, Some(2), Some(20))],
        vec![page(0..10, Some(2), Some(20)), page(0..10, None, None)],
        vec![page(0..10, Some(2), Some(20)), bad],
        vec![page(0..10, Some(2), Some(20)), Canned::ok(r#"{"data":null}"#)],
        vec![nameless],
    ] {
        let (read, _) = read(pages).await;
        assert!(matches!(read, Err(BrokerError::Unreadable { .. })), "{read:?}");
    }
    let broken = vec![page(0..10, Some(2), Some(20)), Canned::status(404, "{}")];
    assert!(matches!(read(broken).await.0, Err(BrokerError::NotFound { .. })));
}

#[tokio::test]
async fn a_list_without_an_end_is_given_up() {
    let (read, asked) = read(vec![page(0..10, Some(4_000_000_000), None)]).await;
    assert!(
        matches!(&read, Err(BrokerError::Unreadable { why, .. }) if why.contains("does not end")),
        "{read:?}"
    );
    assert_eq!(asked, 200);
}

#[tokio::test]
async fn an_answer_about_something_else_is_none() {
    let fake = Fake::start().await;
    fake.script.on("/instruments/equities/SPY", [Canned::ok(r#"{"data":{"symbol":"QQQ"}}"#)]);
    let other = fake.adapter().equity(&spy()).await;
    assert!(matches!(other, Err(BrokerError::Unreadable { .. })), "{other:?}");
    // A slash inside a symbol stays inside it.
    let brk = Symbol::new("BRK/A").expect("a symbol");
    fake.script.on("/instruments/equities/BRK%2FA", [Canned::ok(r#"{"data":{"symbol":"BRK/A"}}"#)]);
    assert_eq!(fake.adapter().equity(&brk).await.map(|one| one.symbol), Ok(brk));
    // A service that lists everything was asked for one.
    let all = r#"{"data":{"items":[{"symbol":"SPY"},{"symbol":"QQQ"}]},"pagination":{"total-pages":1,"total-items":2}}"#;
    fake.script.on("/instruments/equities", [Canned::ok(all)]);
    assert_eq!(fake.adapter().equities(&[spy()]).await.map(|rows| rows.len()), Ok(1));
    assert!(fake.script.last("/instruments/equities").target.contains("symbol%5B%5D=SPY"));
}

#[tokio::test]
async fn a_short_answer_of_very_many_values_is_refused_before_it_is_read() {
    let fake = Fake::start().await;
    let many = format!("{{\"data\":{{\"items\":[{}{{}}]}}}}", "{},".repeat(500_000));
    fake.script.on("/public-watchlists", [Canned::ok(&many)]);
    let read = fake.adapter().watchlists(WatchlistOwner::Broker).await;
    assert!(
        matches!(&read, Err(BrokerError::Unreadable { why, .. }) if why.contains("more values")),
        "{read:?}"
    );
}
