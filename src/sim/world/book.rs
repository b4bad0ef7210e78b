//! The book of the made-up accounts: premium-selling structures sized for 50 K and 200 K, opened in the
//! past at the prices of that past, and fixed by (seed, anchor date).

use chrono::{Days, TimeDelta};
use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};
use serde::{Deserialize, Serialize};

use crate::domain::instrument::OccParts;
use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Instrument, Right, Symbol, TradingDate};

use super::listing::{self, nearest_strike};
use super::names::{Expiries, NAMES, Name, position_of};
use super::noise::Noise;
use super::seeded::SeededWorld;
use super::value::cents;
use super::{Market, days};

/// One line of an account, as the broker keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BookPosition {
    pub account: String,
    pub instrument: Instrument,
    /// Long positive, short negative.
    pub quantity: Decimal,
    pub average_open_price: Decimal,
    pub opened_at: Timestamp,
    pub updated_at: Timestamp,
    /// Gained by closing on `realized_on`; nothing on any other day.
    pub realized: Decimal,
    pub realized_on: Option<TradingDate>,
}

impl BookPosition {
    pub fn opened(
        account: &str,
        instrument: Instrument,
        quantity: Decimal,
        price: Decimal,
        at: Timestamp,
    ) -> Self {
        Self {
            account: account.to_owned(),
            instrument,
            quantity,
            average_open_price: price,
            opened_at: at,
            updated_at: at,
            realized: Decimal::ZERO,
            realized_on: None,
        }
    }
}

/// An account and what it holds besides positions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountBook {
    pub number: String,
    pub nickname: String,
    pub type_name: String,
    /// Retirement accounts are cash-secured throughout.
    pub is_ira: bool,
    pub cash: Decimal,
    pub positions: Vec<BookPosition>,
}

pub const PERSONAL: &str = "5WT00001";
pub const IRA: &str = "5WT00002";
const PERSONAL_NET_LIQ: f64 = 50_000.0;
const IRA_NET_LIQ: f64 = 200_000.0;
/// Beta-weighted dollar delta that the shares of the retirement account are topped up to.
const IRA_DOLLAR_DELTA: f64 = 214_000.0;

enum Strike {
    /// Nearest to this absolute delta when opened.
    Delta(f64),
    /// This far from the leg before.
    Offset(f64),
}

enum Part {
    Shares(i64),
    Option { right: Right, strike: Strike, days: u64, lots: i64 },
}

struct Structure {
    account: &'static str,
    symbol: &'static str,
    /// Sessions before the anchor.
    opened_ago: u32,
    parts: Vec<Part>,
}

fn put(strike: Strike, days: u64, lots: i64) -> Part {
    Part::Option { right: Right::Put, strike, days, lots }
}

fn call(strike: Strike, days: u64, lots: i64) -> Part {
    Part::Option { right: Right::Call, strike, days, lots }
}

fn structures() -> Vec<Structure> {
    use Part::Shares;
    use Strike::{Delta, Offset};
    let s = |account, symbol, opened_ago, parts| Structure { account, symbol, opened_ago, parts };
    vec![
        s(IRA, "NVDA", 15, vec![Shares(100), call(Delta(0.26), 28, -1)]),
        s(IRA, "XLF", 18, vec![Shares(300), call(Delta(0.28), 28, -3)]),
        s(IRA, "TLT", 13, vec![Shares(100), call(Delta(0.30), 28, -1)]),
        s(IRA, "AAPL", 12, vec![Shares(100), put(Delta(0.22), 56, 1), call(Delta(0.24), 56, -1)]),
        s(IRA, "XLF", 9, vec![put(Delta(0.26), 56, -2)]),
        s(IRA, "SPY", 14, vec![put(Delta(0.16), 28, -4), put(Offset(-5.0), 28, 4)]),
        s(IRA, "GLD", 7, vec![put(Delta(0.24), 35, -2), put(Offset(-5.0), 35, 2)]),
        s(PERSONAL, "SPY", 12, vec![put(Delta(0.20), 7, -1), put(Offset(-5.0), 7, 1)]),
        s(
            PERSONAL,
            "SPY",
            4,
            vec![
                put(Delta(0.16), 28, -1),
                put(Offset(-5.0), 28, 1),
                call(Delta(0.14), 28, -1),
                call(Offset(5.0), 28, 1),
            ],
        ),
        s(
            PERSONAL,
            "QQQ",
            6,
            vec![
                put(Delta(0.15), 49, -1),
                put(Offset(-5.0), 49, 1),
                call(Delta(0.15), 49, -1),
                call(Offset(5.0), 49, 1),
            ],
        ),
        s(PERSONAL, "IWM", 8, vec![put(Delta(0.22), 28, -1), put(Offset(-5.0), 28, 1)]),
        s(PERSONAL, "SPY", 3, vec![call(Delta(0.48), 21, -1), call(Offset(0.0), 42, 1)]),
    ]
}

/// The two accounts on the anchor date.
pub fn accounts(world: &SeededWorld, seed: u64) -> Vec<AccountBook> {
    let anchor = world.paths().anchor_instant();
    let mut positions: Vec<BookPosition> = Vec::new();
    for (index, structure) in structures().iter().enumerate() {
        let noise = Noise::new(seed).named("book").of(index as u64);
        for line in open(world, structure, noise) {
            merge(&mut positions, line);
        }
    }
    let covered = dollar_delta(world, &positions, IRA, anchor);
    if let Some(line) = top_up(world, IRA_DOLLAR_DELTA - covered) {
        merge(&mut positions, line);
    }
    let account = |number: &str, nickname: &str, type_name: &str, is_ira: bool, net_liq: f64| {
        let own: Vec<BookPosition> = positions.iter().filter(|p| p.account == number).cloned().collect();
        let held: f64 = own.iter().filter_map(|p| market_value(world, p, anchor)).sum();
        AccountBook {
            number: number.to_owned(),
            nickname: nickname.to_owned(),
            type_name: type_name.to_owned(),
            is_ira,
            cash: Decimal::from_f64(net_liq - held).unwrap_or_default().round_dp(2),
            positions: own,
        }
    };
    vec![
        account(PERSONAL, "Personal", "Individual", false, PERSONAL_NET_LIQ),
        account(IRA, "IRA", "Roth IRA", true, IRA_NET_LIQ),
    ]
}

/// The same contract from two structures is one line of the account.
fn merge(positions: &mut Vec<BookPosition>, line: BookPosition) {
    let same = positions.iter_mut().find(|p| p.account == line.account && p.instrument == line.instrument);
    match same {
        Some(known) => {
            let total = known.quantity + line.quantity;
            if total.is_zero() {
                let (account, instrument) = (line.account, line.instrument);
                positions.retain(|p| !(p.account == account && p.instrument == instrument));
            } else {
                let cost =
                    known.quantity * known.average_open_price + line.quantity * line.average_open_price;
                known.average_open_price = (cost / total).abs().round_dp(4);
                known.quantity = total;
            }
        }
        None => positions.push(line),
    }
}

fn opened_at(world: &SeededWorld, sessions_ago: u32, noise: Noise) -> Timestamp {
    let mut date = world.paths().anchor_date();
    for _ in 0..sessions_ago {
        date = days::session_before(date);
    }
    days::at(date, 10, 5) + TimeDelta::milliseconds((noise.of(9).uniform() * 7_000_000.0) as i64)
}

/// The Friday expiry (or the session before, on holidays) nearest to so many days after the anchor.
fn expiry(name: &Name, anchor: TradingDate, wanted: u64) -> Option<TradingDate> {
    let fridays = Name { expiries: Expiries::Weekly, ..*name };
    let target = anchor + Days::new(wanted);
    listing::expirations(&fridays, anchor + Days::new(3))
        .into_iter()
        .map(|(date, _, _)| date)
        .min_by_key(|date| (*date - target).num_days().abs())
}

fn open(world: &SeededWorld, structure: &Structure, noise: Noise) -> Vec<BookPosition> {
    let Some(n) = position_of(structure.symbol) else { return Vec::new() };
    let name = &NAMES[n];
    let at = opened_at(world, structure.opened_ago, noise);
    let Ok(symbol) = Symbol::new(name.symbol) else { return Vec::new() };
    let line = |instrument: Instrument, quantity: i64, price: f64| {
        let price = Decimal::from_f64(cents(price)).unwrap_or_default();
        BookPosition::opened(structure.account, instrument, quantity.into(), price, at)
    };
    let strikes = world.strikes(name, at);
    let mut last_strike = None;
    let mut lines = Vec::new();
    for part in &structure.parts {
        match part {
            Part::Shares(quantity) => {
                if let Some(spot) = world.paths().spot(name.symbol, at) {
                    lines.push(line(Instrument::Equity(symbol.clone()), *quantity, spot));
                }
            }
            Part::Option { right, strike, days, lots } => {
                let Some(expiry) = expiry(name, world.paths().anchor_date(), *days) else { continue };
                let parts = |strike| OccParts { root: symbol.clone(), expiry, right: *right, strike };
                let chosen = match strike {
                    Strike::Delta(target) => strikes
                        .iter()
                        // Whole fives where the list is wide, so that the strike stays listed.
                        .filter(|k| {
                            name.coarse_step < 5.0 || name.level < 150.0 || (**k % Decimal::from(5)).is_zero()
                        })
                        .filter_map(|k| {
                            let value = world.option(&parts(*k), at)?.value?;
                            Some((*k, (value.delta.abs() - target).abs()))
                        })
                        .min_by(|a, b| a.1.total_cmp(&b.1))
                        .map(|(k, _)| k),
                    Strike::Offset(gap) => last_strike
                        .and_then(|k: Decimal| k.to_f64())
                        .and_then(|k| nearest_strike(&strikes, k + gap)),
                };
                let Some(strike) = chosen else { continue };
                last_strike = Some(strike);
                if let Some(print) = world.option(&parts(strike), at) {
                    lines.push(line(Instrument::Option(print.contract.into()), *lots, print.quote.mid()));
                }
            }
        }
    }
    lines
}

/// QQQ shares that bring the dollar delta to its target: the core holding of the account.
fn top_up(world: &SeededWorld, missing: f64) -> Option<BookPosition> {
    let name = &NAMES[position_of("QQQ")?];
    let shares = (missing / (name.level * name.beta)).round().clamp(10.0, 198.0);
    let at = opened_at(world, 20, Noise::new(1));
    let price = world.paths().spot("QQQ", at)?;
    let held = Instrument::Equity(Symbol::new("QQQ").ok()?);
    let (quantity, price) = (Decimal::from_f64(shares)?, Decimal::from_f64(cents(price))?);
    Some(BookPosition::opened(IRA, held, quantity, price, at))
}

pub fn market_value(market: &dyn Market, line: &BookPosition, at: Timestamp) -> Option<f64> {
    let (mark, _) = market.mark(&line.instrument, at)?;
    Some(mark * line.quantity.to_f64()? * f64::from(line.instrument.multiplier()))
}

/// Beta-weighted dollar delta of an account.
pub fn dollar_delta(market: &dyn Market, lines: &[BookPosition], account: &str, at: Timestamp) -> f64 {
    lines
        .iter()
        .filter(|p| p.account == account)
        .filter_map(|p| {
            let underlying = p.instrument.underlying().as_str();
            let beta = market.profile(underlying)?.beta.unwrap_or(1.0);
            let spot = market.print(underlying, at)?.last;
            let (_, delta) = market.mark(&p.instrument, at)?;
            Some(p.quantity.to_f64()? * f64::from(p.instrument.multiplier()) * delta * spot * beta)
        })
        .sum()
}

/// What is still held: a contract is gone on the day after its expiry, a line closed today stands at zero.
pub fn held(lines: &[BookPosition], at: Timestamp) -> impl Iterator<Item = &BookPosition> {
    let today = new_york_date(at);
    lines
        .iter()
        .filter(move |p| !p.quantity.is_zero() && p.instrument.option().is_none_or(|c| c.expiry >= today))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    fn anchor() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 20).expect("a date")
    }

    #[test]
    fn the_book_is_the_same_on_every_start() {
        let build = || accounts(&SeededWorld::new(7, anchor()), 7);
        assert_eq!(build(), build());
    }

    #[test]
    fn sizes_suit_the_accounts_for_many_seeds_and_days() {
        for seed in [1, 7, 11, 42, 99] {
            for shift in [0, 31, 63] {
                let world = SeededWorld::new(seed, anchor() + Days::new(shift));
                let at = world.paths().anchor_instant();
                let accounts = accounts(&world, seed);
                for (account, net_liq) in accounts.iter().zip([PERSONAL_NET_LIQ, IRA_NET_LIQ]) {
                    let held: f64 =
                        account.positions.iter().filter_map(|p| market_value(&world, p, at)).sum();
                    let total = account.cash.to_f64().expect("finite") + held;
                    assert!((total - net_liq).abs() < 0.02, "{total}");
                }
                let ira = dollar_delta(&world, &accounts[1].positions, IRA, at);
                assert!((175_000.0..216_000.0).contains(&ira), "seed {seed} shift {shift}: {ira}");
                let personal = dollar_delta(&world, &accounts[0].positions, PERSONAL, at);
                assert!(personal.abs() < 15_000.0, "seed {seed} shift {shift}: {personal}");
                assert!(accounts[0].positions.len() + accounts[1].positions.len() >= 20);
            }
        }
    }

    #[test]
    fn the_retirement_account_has_no_naked_calls_and_cash_for_its_puts() {
        let world = SeededWorld::new(7, anchor());
        let ira = &accounts(&world, 7)[1];
        let sum = |f: &dyn Fn(&BookPosition) -> f64| ira.positions.iter().map(f).sum::<f64>();
        for name in &NAMES {
            let of = |p: &BookPosition| p.instrument.underlying().as_str() == name.symbol;
            let covered = sum(&|p| match p.instrument.option() {
                None if of(p) => p.quantity.to_f64().expect("finite"),
                Some(c) if of(p) && c.right == Right::Call => 100.0 * p.quantity.to_f64().expect("finite"),
                _ => 0.0,
            });
            assert!(covered >= 0.0, "{} calls are covered", name.symbol);
        }
        let obligations = sum(&|p| match p.instrument.option() {
            Some(c) if c.right == Right::Put => {
                -p.quantity.to_f64().expect("finite") * 100.0 * c.strike.to_f64().expect("finite")
            }
            _ => 0.0,
        });
        assert!(ira.cash.to_f64().expect("finite") > obligations, "{} {obligations}", ira.cash);
    }
}
