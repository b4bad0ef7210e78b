//! Every text that the broker may send, at its worst, one at a time: nothing panics, and nothing of it comes out of
//! the readers as it is. The documents are our own; recordings are read, too, where this checkout has them beside it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Directory;
use super::account_stream::notices;
use super::parse::{accounts, chain, contract, ledger, listing, market, orders, records};
use super::wire::{self, Envelope, Items, Many};
use crate::domain::text::clean;
use crate::domain::{AccountId, Instrument, Symbol, Timestamp};

const PLACE: &str = "@@the place@@";
/// What a document may grow by in our words when one of its texts is replaced by one without end.
const GROWTH: usize = 8_000;

fn now() -> Timestamp {
    chrono::DateTime::from_timestamp_millis(1_795_187_040_000).expect("an instant")
}

fn account() -> AccountId {
    AccountId::from_number("tastytrade", "5WX00042")
}

fn told(value: &impl Debug) -> String {
    format!("{value:?}")
}

fn item<T: DeserializeOwned, R: Debug>(body: &[u8], read: impl Fn(T) -> R) -> String {
    let data = serde_json::from_slice::<Envelope<T>>(body).ok().and_then(|envelope| envelope.data);
    told(&data.map(read))
}

fn items<T: DeserializeOwned, R: Debug>(body: &[u8], read: impl Fn(&T) -> R) -> String {
    item(body, |rows: Items<T>| rows.items.good.iter().map(&read).collect::<Vec<_>>())
}

fn held() -> Vec<Instrument> {
    let symbol = |text| Symbol::new(text).expect("a symbol");
    vec![Instrument::Equity(symbol("SPY")), Instrument::Index(symbol("VIX"))]
}

fn order_told(wire: &wire::order::Order) -> String {
    let known = |named: &orders::Symbols<'_>| {
        contract::instrument(named.kind, named.symbol, named.underlying, &Default::default()).ok()
    };
    told(&orders::report(wire, account(), known))
}

type Reader = fn(&[u8]) -> String;

/// What is asked for, what comes, how it is read, and the recording of it.
const ANSWERS: [(&str, &str, Reader, Option<&str>); 22] = [
    (
        "accounts",
        r#"{"data":{"items":[{"account":{"account-number":"5CT00001","nickname":"Main","account-type-name":"Individual",
            "margin-or-cash":"Margin","is-closed":false},"authority-level":"owner"}]}}"#,
        |body| {
            items(body, |one: &wire::account::AccountEntry| {
                accounts::account(one, &BTreeMap::new()).map(|a| a.1)
            })
        },
        Some("captures__accounts.json"),
    ),
    (
        "customer",
        r#"{"data":{"first-name":"Ada","middle-name":"K","last-name":"L","created-at":"2024-02-01T14:00:00.000+00:00",
            "is-professional":false,"has-delayed-quotes":"false"}}"#,
        |body| item(body, |one: wire::ledger::Customer| ledger::customer(&one)),
        Some("captures__customer.json"),
    ),
    (
        "trading status",
        r#"{"data":{"options-level":"No Restrictions","is-frozen":"false","day-trade-count":"3"}}"#,
        |body| item(body, |one: wire::account::TradingStatus| records::trading_status(&one)),
        Some("trading_status.json"),
    ),
    (
        "balances",
        r#"{"data":{"currency":"USD","cash-balance":"1.5","net-liquidating-value":"2","derivative-buying-power":"3",
            "maintenance-requirement":"4","updated-at":"2026-11-20T15:02:11.208+00:00"}}"#,
        |body| item(body, |one: wire::account::Balance| accounts::balances(&one, now())),
        Some("frames__account__account-balance.derived.json"),
    ),
    (
        "positions",
        r#"{"data":{"items":[{"symbol":"SPY   261218P00640000","instrument-type":"Equity Option","underlying-symbol":"SPY",
            "quantity":"2","quantity-direction":"Short","multiplier":"100","average-open-price":"7.42",
            "close-price":"6.9","created-at":"2026-11-03T15:41:09.120+00:00"}]}}"#,
        |body| items(body, |one: &wire::account::Position| accounts::position(one)),
        None,
    ),
    (
        "transactions",
        r#"{"data":{"items":[{"id":"9001","transaction-type":"Trade","transaction-sub-type":"Sell to Open",
            "description":"Sold 2","symbol":"SPY   261218P00640000","instrument-type":"Equity Option",
            "underlying-symbol":"SPY","quantity":"2.0","price":"7.42","executed-at":"2026-11-03T15:41:08.902Z",
            "transaction-date":"2026-11-03","value":"1484.0","value-effect":"Credit","net-value":"1481.71",
            "net-value-effect":"Credit","commission":"2.0","commission-effect":"Debit","order-id":"771201"}]}}"#,
        |body| items(body, |one: &wire::ledger::Transaction| ledger::transaction(one)),
        Some("transactions_listing.json"),
    ),
    (
        "total fees",
        r#"{"data":{"total-fees":"3.26","total-fees-effect":"Debit"}}"#,
        |body| item(body, |one: wire::ledger::TotalFees| ledger::total_fees(&one)),
        None,
    ),
    (
        "net liq history",
        r#"{"data":{"items":[{"open":"1","high":"2","low":"1","close":"2","total-close":"2","time":"2026-11-19T21:00:00Z"}]}}"#,
        |body| items(body, |one: &wire::ledger::NetLiq| ledger::net_liq(one)),
        None,
    ),
    (
        "margin",
        r#"{"data":{"margin-calculation-type":"Reg T","margin-requirement":"1","margin-requirement-effect":"Debit",
            "groups":[{"description":"SPY","code":"SPY","margin-requirement":"1","margin-requirement-effect":"Debit",
            "buying-power":"1","price-increase-percent":"0.15","groups":[{"description":"SHORT_OPTION",
            "position-entries":[{"instrument-symbol":"SPY   261218P00640000","quantity":"-2.0"}]}]}]}}"#,
        |body| item(body, |one: wire::ledger::MarginReport| ledger::margin(&one)),
        Some("margin_requirements.json"),
    ),
    (
        "watchlists",
        r#"{"data":{"items":[{"name":"Core","group-name":"default","watchlist-entries":[{"symbol":"SPY",
            "instrument-type":"Equity"}]}]}}"#,
        |body| item(body, |lists: Items<wire::ledger::Watchlist>| ledger::lists(lists.items)),
        None,
    ),
    (
        "a list on the stream",
        r#"{"data":{"name":"Core","group-name":"default","watchlist-entries":[{"symbol":"/ES","instrument-type":"Future"}]}}"#,
        |body| item(body, |one: wire::ledger::Watchlist| ledger::watchlist(&one)),
        Some("frames__account__public-watchlists.derived.json"),
    ),
    (
        "equities",
        r#"{"data":{"items":[{"symbol":"SPY","description":"SPDR","lendability":"Easy To Borrow","borrow-rate":"0.0",
            "listed-market":"ARCX","tick-sizes":[{"threshold":"1.0","value":"0.0001"},{"value":"0.01"}]}]}}"#,
        |body| items(body, |one: &wire::listing::Equity| listing::equity(one)),
        Some("captures__equities.json"),
    ),
    (
        "contracts",
        r#"{"data":{"items":[{"symbol":"SPY   261218C00640000","strike-price":"640.0","root-symbol":"SPY",
            "underlying-symbol":"SPY","option-type":"C","option-chain-type":"Standard","expiration-date":"2026-12-18",
            "expiration-type":"Regular","expires-at":"2026-12-18T21:00:00.000+00:00","exercise-style":"American",
            "settlement-type":"PM","shares-per-contract":"100"}]}}"#,
        |body| items(body, |one: &wire::listing::EquityOption| listing::option(one)),
        None,
    ),
    (
        "nested chain",
        r#"{"data":{"items":[{"underlying-symbol":"SPY","root-symbol":"SPY","option-chain-type":"Standard",
            "shares-per-contract":"100","tick-sizes":[{"value":"0.01"}],"expirations":[{"expiration-type":"Regular",
            "expiration-date":"2026-12-18","settlement-type":"PM","strikes":[{"strike-price":"640.0",
            "call":"SPY   261218C00640000","call-streamer-symbol":".SPY261218C640","put":"SPY   261218P00640000",
            "put-streamer-symbol":".SPY261218P640"}]}]}]}}"#,
        |body| {
            item(body, |roots: Items<wire::instrument::NestedChain>| {
                let parsed = chain::chain(&Symbol::new("SPY").expect("a symbol"), roots.items);
                (parsed.chain, parsed.unusual)
            })
        },
        Some("captures__nested-option-chain.json"),
    ),
    (
        "dividends and reports",
        r#"{"data":{"items":[{"occurred-date":"2026-09-18","amount":"1.83","eps":"1.57"}]}}"#,
        |body| {
            item(body, |rows: Items<wire::listing::Occurred>| {
                let copy = Many { good: rows.items.good.clone(), bad: rows.items.bad };
                (listing::dividends(copy), listing::earnings(rows.items))
            })
        },
        None,
    ),
    (
        "symbols found",
        r#"{"data":{"items":[{"symbol":"SPY","description":"SPDR"}]}}"#,
        |body| items(body, |one: &wire::listing::Found| listing::found(one)),
        Some("captures__instrument-search.json"),
    ),
    (
        "quotes",
        r#"{"data":{"items":[{"symbol":"SPY","updated-at":"2026-11-20T15:02:11.032Z","bid":"651.21","bid-size":"320.0",
            "ask":"651.24","last":"651.22","prev-close":"649.9","open-interest":"1"}]}}"#,
        |body| {
            items(body, |one: &wire::market::MarketData| {
                held().iter().map(|of| market::snapshot(of, one, now())).collect::<Vec<_>>()
            })
        },
        Some("market_data_by_type.json"),
    ),
    (
        "metrics",
        r#"{"data":{"items":[{"symbol":"SPY","implied-volatility-index":"0.17","implied-volatility-index-rank":"0.31",
            "beta":"1.0","dividend-ex-date":"2026-12-18","dividend-rate-per-share":"1.8",
            "earnings":{"expected-report-date":"2026-12-29"},"option-expiration-implied-volatilities":[
            {"expiration-date":"2026-12-18","implied-volatility":"0.1664"}],"updated-at":"2026-11-20T15:00:35.478Z"}]}}"#,
        |body| items(body, |one: &wire::market::Metrics| market::metrics(one, now())),
        None,
    ),
    (
        "session",
        r#"{"data":{"state":"Open","open-at":"2026-11-20T14:30:00.000+00:00","next-session":{"session-date":"2026-11-23"}}}"#,
        |body| item(body, |one: wire::market::Session| market::session(&one, now())),
        Some("captures__market-session-current.json"),
    ),
    (
        "orders",
        r#"{"data":{"items":[{"id":"771201","underlying-symbol":"SPY","price":"1.51","price-effect":"Credit",
            "status":"Live","external-identifier":"0190f7c2-6f1e-7c55-8f4e-2b6a7b1d9c10","reject-reason":"no",
            "received-at":"2026-11-20T15:03:00.112+00:00","replaces-order-id":"7","complex-order-id":"8",
            "legs":[{"instrument-type":"Equity Option","symbol":"SPY   261218P00630000","quantity":"1",
            "remaining-quantity":"0","action":"Sell to Open","fills":[{"fill-id":"1_SIM","ext-exec-id":"9",
            "quantity":"1","fill-price":"2.1","filled-at":"2026-11-20T15:04:00.496+00:00"}]}]}]}}"#,
        |body| items(body, order_told),
        None,
    ),
    (
        "dry run",
        r#"{"data":{"order":{"external-identifier":"x"},"buying-power-effect":{"change-in-buying-power":"853.5",
            "change-in-buying-power-effect":"Debit"},"fee-calculation":{"total-fees":"4.5","total-fees-effect":"Debit"},
            "warnings":[{"code":"tif.next_valid_session","message":"Your order will begin working later."}],
            "errors":[{"code":"a","message":"b"}]}}"#,
        |body| {
            item(body, |one: wire::order::OrderAnswer| {
                orders::dry_run(&one, String::new(), "reference", now())
            })
        },
        Some("order_dry_run.json"),
    ),
    (
        "refusal",
        r#"{"error":{"code":"preflight_check_failure","message":"One or more preflight checks failed",
            "errors":[{"code":"cant_buy_for_credit","message":"You cannot buy for a credit."},
            {"domain":"start-date","reason":"is missing"}]}}"#,
        |body| format!("{:?} {}", orders::refusal(422, Some(body)), super::http::refusal_text(body)),
        None,
    ),
];

/// A message of the account stream, in each of its kinds.
fn on_the_stream(data: &str) -> Vec<(String, Reader)> {
    let read: Reader = |body| {
        let numbers = HashMap::from([("5WX00042".to_owned(), account())]);
        let message: Option<wire::account::StreamMessage> = serde_json::from_slice(body).ok();
        told(&message.map(|message| notices(message, &numbers, &Directory::default(), now())))
    };
    ["Order", "CurrentPosition", "AccountBalance", "ComplexOrder", "OrderChain"]
        .map(|kind| (format!(r#"{{"type":"{kind}","data":{data}}}"#), read))
        .to_vec()
}

/// Clears the screen, names the window, asks the terminal what it is, reads backwards, hides, ends early, stacks marks.
fn texts() -> Vec<String> {
    [
        "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[cSPY",
        "SPY\u{1b}]52;c;cm0gLXJm\u{1b}\\\u{9b}31m",
        "\u{202e}YPS\u{2066}\u{200b}\u{feff}",
        "SPY\0\0",
        "SPY\r\nOK\u{8}\u{8}\u{7f}\u{85}",
        "\u{e0041}\u{f8ff}\u{10fffd}",
        "NaN",
        "Infinity",
        "-79228162514264337593543950336",
        "9999-99-99T99:99:99Z",
        "",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain(["e\u{301}".repeat(2_000), "A\u{1b}".repeat(40_000)])
    .collect()
}

/// Every text of a document in turn, marked; also those that stand as numbers and flags, which may become text.
fn marked(document: &Value) -> Vec<String> {
    fn scalars(value: &Value) -> usize {
        match value {
            Value::Array(list) => list.iter().map(scalars).sum(),
            Value::Object(object) => object.values().map(scalars).sum(),
            _ => 1,
        }
    }
    fn mark(value: &mut Value, place: usize, at: &mut usize) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|one| mark(one, place, at)),
            Value::Object(object) => object.values_mut().for_each(|one| mark(one, place, at)),
            other => {
                if *at == place {
                    *other = Value::from(PLACE);
                }
                *at += 1;
            }
        }
    }
    let one = |place| {
        let mut copy = document.clone();
        mark(&mut copy, place, &mut 0);
        copy.to_string()
    };
    (0..scalars(document)).map(one).collect()
}

/// Debug spells out what a terminal would act on; in our words there is nothing to spell out.
#[track_caller]
fn nothing_raw(words: &str, most: usize, of: &str) {
    for spelt in ["\\u{", "\\0", "\\r", "\\n", "\\t"] {
        assert!(!words.contains(spelt), "{of}: {spelt} in {}", words.chars().take(2_000).collect::<String>());
    }
    assert_eq!(clean(words, 100_000_000), words, "{of}");
    assert!(words.len() <= most, "{of}: {} bytes of {most}", words.len());
}

fn spoil(name: &str, document: &str, read: Reader) {
    let document: Value = serde_json::from_str(document).unwrap_or_else(|error| panic!("{name}: {error}"));
    let usual = read(document.to_string().as_bytes());
    nothing_raw(&usual, usize::MAX, name);
    let most = usual.len() + GROWTH;
    for place in marked(&document) {
        let quoted = format!("\"{PLACE}\"");
        for text in texts() {
            let text = Value::from(text).to_string();
            nothing_raw(&read(place.replace(&quoted, &text).as_bytes()), most, name);
        }
        // No text at all, or no UTF-8.
        for odd in ["null", "true", "[]", "{}", "-1", "1e300", "1e999", "[[[]]]", "\"\\ud800\""] {
            nothing_raw(&read(place.replace(&quoted, odd).as_bytes()), most, name);
        }
        let (before, after) = place.split_once(PLACE).expect("it is marked");
        nothing_raw(&read(&[before.as_bytes(), &[0xff, 0xc0, 0x80], after.as_bytes()].concat()), most, name);
        let bomb = [b"[".repeat(50_000), b"]".repeat(50_000)].concat();
        let bomb = String::from_utf8(bomb).expect("brackets");
        nothing_raw(&read(place.replace(&quoted, &bomb).as_bytes()), most, name);
    }
    // Ten megabytes once an answer: each takes its time.
    if let Some(place) = marked(&document).last() {
        let huge = place.replace(PLACE, &"A\\u001b".repeat(10 * 1024 * 1024 / 7));
        nothing_raw(&read(huge.as_bytes()), most, name);
    }
}

#[test]
fn nothing_raw_comes_out_of_any_answer() {
    for (name, document, read, _) in ANSWERS {
        spoil(name, document, read);
    }
}

#[test]
fn nothing_raw_comes_out_of_any_message_of_the_stream() {
    let data = r#"{"account-number":"5WX00042","id":"1","status":"Live","symbol":"SPY","instrument-type":"Equity",
        "quantity":"1","quantity-direction":"Long","cash-balance":"5","type":"OTO","underlying-symbol":"SPY",
        "orders":[{"id":"2","status":"Live","reject-reason":"why"}],
        "legs":[{"symbol":"SPY","instrument-type":"Equity","quantity":"1","action":"Buy to Open"}]}"#;
    for (document, read) in on_the_stream(data) {
        spoil("stream", &document, read);
    }
}

/// Recordings come with and without the envelope.
#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says that it was skipped")]
fn nothing_raw_comes_out_of_any_recording() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/api");
    if !folder.is_dir() {
        println!("skipped: no recordings beside the repository");
        return;
    }
    for (name, _, read, recording) in ANSWERS {
        let Some(recording) = recording else { continue };
        let text =
            std::fs::read_to_string(folder.join(recording)).unwrap_or_else(|e| panic!("{recording}: {e}"));
        let value: Value = serde_json::from_str(&text).expect("a recording is JSON");
        let value = if value.get("data").is_some() { value } else { serde_json::json!({ "data": value }) };
        spoil(name, &shortened(value).to_string(), read);
    }
}

/// Two of each list say as much as all.
fn shortened(value: Value) -> Value {
    match value {
        Value::Array(list) => list.into_iter().take(2).map(shortened).collect(),
        Value::Object(object) => object.into_iter().map(|(key, one)| (key, shortened(one))).collect(),
        other => other,
    }
}

#[test]
fn a_text_that_is_no_number_is_unknown_wherever_a_number_is_expected() {
    for none in ["\"NaN\"", "\"Infinity\"", "\"-inf\"", "\"1e400\"", "\"\"", "null", "{}"] {
        let spoilt = |json: &str| json.replace("@", none);
        let row: wire::market::MarketData = serde_json::from_str(&spoilt(
            r#"{"bid":@,"bid-size":@,"ask":@,"last":@,"mark":@,"prev-close":@}"#,
        ))
        .expect("a row");
        for of in held() {
            let words = told(&market::snapshot(&of, &row, now()));
            assert!(!words.contains("Some(Price") && !words.contains("NaN"), "{none}: {words}");
        }
        let wire = serde_json::from_str(&spoilt(
            r#"{"symbol":"SPY","implied-volatility-index":@,"implied-volatility-index-rank":@,"beta":@,
                "implied-volatility-percentile":@,"dividend-yield":@,"dividend-rate-per-share":@,
                "option-expiration-implied-volatilities":[{"expiration-date":"2026-12-18","implied-volatility":@}]}"#,
        ));
        let metrics = market::metrics(&wire.expect("metrics"), now()).expect("metrics");
        let known =
            [metrics.iv_index, metrics.iv_rank, metrics.iv_percentile, metrics.beta, metrics.dividend_yield];
        assert_eq!(known, [None; 5], "{none}");
        assert!(metrics.next_dividend.is_none() && metrics.expirations.is_empty(), "{none}");
        let wire = serde_json::from_str(&spoilt(
            r#"{"cash-balance":"1","net-liquidating-value":@,"derivative-buying-power":@,"maintenance-requirement":@}"#,
        ));
        let balances = accounts::balances(&wire.expect("balances"), now()).expect("cash is known");
        assert_eq!(
            (balances.net_liq, balances.buying_power, balances.requirement),
            (None, None, None),
            "{none}"
        );
    }
}
