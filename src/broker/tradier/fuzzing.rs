//! What holds for anything that a server may send.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::http::refusal_text;
use super::parse::{self, accounts, events, market, orders, records};
use super::stream::{lines, refused};
use super::wire;
use crate::broker::fields::Many;
use crate::broker::soundness::{
    dated, now, sound, sound_bars, sound_chain, sound_dry_run, sound_money, sound_order, sound_position,
};
use crate::domain::report::MarketHolidays;
use crate::domain::{AccountId, Instrument, Symbol};
use crate::fuzzing::tellable;
use crate::market::update::Epoch;

const WITHIN: Duration = Duration::from_secs(60);

fn held() -> Vec<Instrument> {
    ["SPY", "VIX", "SPY261218C00640000"].into_iter().filter_map(parse::instrument).collect()
}

/// REST answers and messages of both streams: what is taken out of them can be spelt, summed and dated. The first byte
/// chooses what was asked for.
pub fn tradier(bytes: &[u8]) {
    let Some((choice, body)) = bytes.split_first() else { return };
    tellable(&refusal_text(body));
    let account = AccountId::from_number(parse::BROKER, "1");
    if choice % 8 == 7 {
        return streamed(body);
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else { return };
    if let Some(refusal) = wire::Refusal::of(&answer) {
        orders::refusal(200, Some(body)).messages.iter().for_each(|message| tellable(&message.text));
        let _ = refusal.words();
    }
    match choice % 8 {
        0 => {
            let roots = wire::many(answer.get("symbols").cloned().unwrap_or_default());
            let spy = Symbol::new("SPY").expect("a symbol");
            sound_chain(&market::chain(&spy, roots).chain);
        }
        1 => {
            let read: Many<wire::Position> =
                wire::list(answer, ("positions", "position")).unwrap_or_default();
            read.good
                .iter()
                .filter_map(|row| accounts::position(row).ok())
                .for_each(|it| sound_position(&it));
        }
        2 => {
            let balances: Option<wire::Balances> = wire::one(answer, "balances");
            if let Some(read) = balances.and_then(|wire| accounts::balances(&wire, now())) {
                sound_money(&[read.cash, read.net_liq, read.buying_power, read.requirement]);
                dated(Some(read.as_of));
            }
        }
        3 => {
            let entries: Many<wire::Account> = wire::list(answer, ("profile", "account")).unwrap_or_default();
            for entry in &entries.good {
                if let Some((number, account)) = accounts::account(entry, &BTreeMap::new()) {
                    assert!(!number.is_empty() && account.masked_number.chars().count() <= 5);
                    assert!(!account.nickname.chars().any(char::is_control));
                }
                records::trading_status(entry).options_level.iter().for_each(|level| tellable(level));
            }
        }
        4 => {
            let rows: Many<wire::Quote> = wire::list(answer, ("quotes", "quote")).unwrap_or_default();
            for row in &rows.good {
                held().iter().for_each(|of| market::snapshot(of, row, now(), WITHIN).iter().for_each(sound));
            }
        }
        5 => {
            let days = answer.get("calendar").cloned().and_then(|told| wire::list(told, ("days", "day")));
            let days: Many<wire::CalendarDay> = days.unwrap_or_default();
            records::special_days(&days.good, &mut MarketHolidays::default());
            let clock = wire::one(answer.clone(), "clock").unwrap_or_default();
            let session = market::session(&clock, &days.good, now());
            [session.open_at, session.close_at, session.next_open_at].into_iter().for_each(dated);
            sound_bars(&market::bars(wire::list(answer, ("history", "day")).unwrap_or_default()));
        }
        _ => {
            let listed: Many<wire::Order> =
                wire::list(answer.clone(), ("orders", "order")).unwrap_or_default();
            let told = listed.good.iter().filter_map(|order| orders::report(order, account));
            told.for_each(|report| sound_order(&report));
            let preview: Option<wire::Preview> = wire::one(answer, "order");
            if let Some(preview) = preview.filter(orders::is_previewed) {
                sound_dry_run(&orders::dry_run(&preview, None, String::new(), now()));
            }
            if let Some(id) = orders::taken_number(body) {
                assert!(!id.0.is_empty() && !id.0.chars().any(char::is_control), "{id:?}");
            }
        }
    }
}

/// One frame: lines of JSON.
fn streamed(body: &[u8]) {
    let Ok(text) = std::str::from_utf8(body) else { return };
    for message in lines(text).into_iter().flatten() {
        let _ = refused(&message);
        if let Ok(event) = serde_json::from_value::<wire::MarketEvent>(message.clone()) {
            held()
                .iter()
                .filter_map(|of| events::update(of, &event, Epoch(1), now()))
                .for_each(|it| sound(&it));
        }
        let _ = serde_json::from_value::<wire::AccountEvent>(message);
    }
}
