//! What holds for anything that a server may send.

use std::collections::{BTreeMap, HashMap};

use chrono::TimeDelta;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Directory;
use super::account_stream::notices;
use super::dxlink::layout::{Decoded, FeedEvent, Layout};
use super::dxlink::protocol::{FIELDS, ServerFrame, decode};
use super::dxlink::subscriptions::Subscribed;
use super::parse::{accounts, chain, feed, market, orders};
use super::wire::{Envelope, Items, Refusal, TokenAnswer};
use super::wire::{
    account as account_wire, instrument as instrument_wire, market as market_wire, order as order_wire,
};
use crate::broker::Subscriptions;
use crate::broker::scrub::scrubbed;
use crate::broker::soundness::{
    dated, now, sound, sound_bars, sound_chain, sound_dry_run, sound_money, sound_order, sound_position,
};
use crate::domain::report::AccountNotice;
use crate::domain::{AccountId, Instrument, Symbol};
use crate::fuzzing::tellable;
use crate::market::update::{Epoch, MarketUpdate};

/// One of each kind.
fn held() -> Vec<Instrument> {
    let option = r#"{"symbol":"SPY   261218C00640000","instrument-type":"Equity Option","quantity":1,
        "quantity-direction":"Long"}"#;
    let wire = serde_json::from_str(option).expect("a position");
    let option = accounts::position(&wire).expect("a position of ours").instrument;
    let symbol = |text| Symbol::new(text).expect("a symbol");
    vec![Instrument::Equity(symbol("SPY")), Instrument::Index(symbol("VIX")), option]
}

/// DXLink frames, one a line, on one connection: whatever the layout, an event is what was sent, in finite numbers
/// and plausible prices, and the two layouts say the same.
pub fn dxlink(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut layout = Layout::default();
    let mut subscribed = Subscribed::default();
    let wanted = Subscriptions {
        on: true,
        instruments: held(),
        history: vec![(Symbol::new("SPY").expect("a symbol"), now() - TimeDelta::days(400))],
    };
    subscribed.change(&wanted, true, Instrument::streamer_symbol);
    for line in text.lines() {
        match decode(line) {
            Ok(ServerFrame::FeedConfig { format, fields, .. }) => layout.configure(format, fields),
            Ok(ServerFrame::FeedData { data, .. }) => {
                let decoded = layout.decode(&data);
                assert!(decoded.events.len() + decoded.unreadable <= cells(&data));
                decoded.events.iter().for_each(|event| arrived(event, &mut subscribed));
                alike_in_both_layouts(&data);
            }
            Ok(ServerFrame::Error { kind, message, .. }) => {
                tellable(&format!("{}: {}", scrubbed(&kind), scrubbed(&message)));
            }
            Ok(_) => {}
            Err(bad) => tellable(&bad.to_string()),
        }
    }
}

/// No message brings more events than it has values.
fn cells(data: &[Value]) -> usize {
    data.iter().map(|value| value.as_array().map_or(1, |list| 1 + list.len())).sum()
}

fn arrived(event: &FeedEvent, subscribed: &mut Subscribed) {
    assert!(!event.symbol().is_empty());
    if let FeedEvent::Candle(candle) = event {
        let (bars, _) = subscribed.candle(candle);
        if let Some((_, bars)) = bars {
            sound_bars(&bars);
        }
    }
    for instrument in held() {
        if let Some(update) = feed::update(&instrument, event, Epoch(1), now()) {
            sound(&update);
        }
    }
}

/// Rows as objects, and the same rows as columns, are the same events.
fn alike_in_both_layouts(data: &[Value]) {
    let row = |value: &Value| {
        let object = value.as_object()?;
        let kind = object.get("eventType")?.as_str()?;
        let (_, names) = FIELDS.iter().find(|(known, _)| *known == kind)?;
        let cells = names.iter().map(|name| object.get(*name).cloned().unwrap_or(Value::Null)).collect();
        Some((value.clone(), [Value::String(kind.to_owned()), Value::Array(cells)]))
    };
    let (full, compact): (Vec<Value>, Vec<[Value; 2]>) = data.iter().filter_map(row).unzip();
    let read = |data: &[Value]| -> Decoded { Layout::default().decode(data) };
    assert_eq!(read(&full), read(compact.as_flattened()), "{full:?}");
}

/// As `http` reads an answer.
fn answer<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice::<Envelope<T>>(body).ok().and_then(|envelope| envelope.data)
}

fn items<T: DeserializeOwned>(body: &[u8]) -> Vec<T> {
    answer::<Items<T>>(body).map(|rows| rows.items.good).unwrap_or_default()
}

/// REST answers and account messages: what is taken out of them can be spelt, summed and dated. The first byte chooses
/// what was asked for.
pub fn rest(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    match choice % 9 {
        0 => {
            let spy = Symbol::new("SPY").expect("a symbol");
            if let Some(rows) = answer::<Items<instrument_wire::NestedChain>>(body) {
                sound_chain(&chain::chain(&spy, rows.items).chain);
            }
        }
        1 => {
            let read = |wire: &account_wire::Position| accounts::position(wire).ok();
            items(body).iter().filter_map(read).for_each(|position| sound_position(&position));
        }
        2 => {
            if let Some(balances) = answer(body).and_then(|wire| accounts::balances(&wire, now())) {
                sound_money(&[balances.cash, balances.net_liq, balances.buying_power, balances.requirement]);
                dated(Some(balances.as_of));
            }
        }
        3 => {
            for entry in items::<account_wire::AccountEntry>(body) {
                if let Some((number, account)) = accounts::account(&entry, &BTreeMap::new()) {
                    assert!(!number.is_empty() && account.masked_number.chars().count() <= 5);
                    assert!(!account.nickname.chars().any(char::is_control));
                }
            }
        }
        4 => {
            for wire in items::<market_wire::MarketData>(body) {
                for instrument in held() {
                    market::snapshot(&instrument, &wire, now()).iter().for_each(sound);
                }
            }
        }
        5 => {
            for wire in items::<market_wire::Metrics>(body) {
                if let Some(metrics) = market::metrics(&wire, now()) {
                    sound(&MarketUpdate::Metrics(metrics));
                }
            }
        }
        6 => {
            if let Some(wire) = answer::<market_wire::Session>(body) {
                let session = market::session(&wire, now());
                [session.open_at, session.close_at, session.next_open_at].into_iter().for_each(dated);
            }
        }
        7 => {
            let numbers = HashMap::from([("1".to_owned(), AccountId::from_number("tastytrade", "1"))]);
            let Ok(message) = serde_json::from_slice(body) else { return };
            for notice in notices(message, &numbers, &Directory::default(), now()) {
                match notice {
                    AccountNotice::Position { position, .. } => sound_position(&position),
                    AccountNotice::Balances { balances: b, .. } => {
                        sound_money(&[b.cash, b.net_liq, b.buying_power, b.requirement]);
                    }
                    AccountNotice::Order { report } => sound_order(&report),
                    AccountNotice::Other { kind, .. } => assert!(!kind.chars().any(char::is_control)),
                }
            }
        }
        _ => {
            if let Ok(token) = serde_json::from_slice::<TokenAnswer>(body) {
                assert!(token.expires_in.seconds().is_none_or(|life| life.as_secs() < 1_000_000_000));
            }
            if let Ok(refusal) = serde_json::from_slice::<Refusal>(body) {
                tellable(&format!("refused: {}", scrubbed(&refusal.words())));
            }
            let _ = answer::<market_wire::QuoteToken>(body);
            if let Some(wire) = answer::<order_wire::OrderAnswer>(body) {
                let run = orders::dry_run(&wire, String::new(), "", now());
                sound_dry_run(&run);
            }
            let refusal = orders::refusal(422, Some(body));
            refusal.messages.iter().for_each(|message| tellable(&message.text));
        }
    }
}
