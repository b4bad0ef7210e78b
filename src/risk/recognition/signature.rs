//! The signatures of the templates: given one unit, which is it?
//!
//! Never: splits anything.

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{Held, Part, Tag};
use crate::domain::{Instrument, OptionContract, Right, Strategy};

/// One contract of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unit {
    pub right: Right,
    pub strike: Decimal,
    pub expiry: NaiveDate,
    pub quantity: i64,
}

impl Unit {
    pub fn of(contract: &OptionContract) -> Self {
        Self { right: contract.right, strike: contract.strike, expiry: contract.expiry, quantity: 0 }
    }
}

type Label = (Strategy, Vec<Tag>);

/// `lots` of a hundred shares and these options, quantities without a common divisor.
pub(super) fn classify(lots: i64, options: &[Unit]) -> Option<Label> {
    let mut units: Vec<&Unit> = options.iter().collect();
    units.sort_by_key(|u| (u.strike, u.expiry, u.right));
    match (lots, units.as_slice()) {
        (0, []) => None,
        (_, []) => Some((Strategy::Stock, vec![side(lots)])),
        (1, units) => with_shares(units),
        (0, [one]) => Some((Strategy::Single, vec![side(one.quantity), right(one)])),
        (0, [a, b]) => two(a, b),
        (0, [a, b, c]) => three(a, b, c),
        (0, [a, b, c, d]) => four([a, b, c, d]),
        _ => None,
    }
}

fn side(quantity: i64) -> Tag {
    if quantity > 0 { Tag::Long } else { Tag::Short }
}

fn right(unit: &Unit) -> Tag {
    match unit.right {
        Right::Call => Tag::Call,
        Right::Put => Tag::Put,
    }
}

fn with_shares(units: &[&Unit]) -> Option<Label> {
    let is = |u: &Unit, right, quantity| u.right == right && u.quantity == quantity;
    match units {
        [one] if is(one, Right::Call, -1) => Some((Strategy::CoveredCall, vec![Tag::Covered])),
        [one] if is(one, Right::Put, 1) => Some((Strategy::ProtectivePut, Vec::new())),
        [a, b] => {
            let (put, call) = if a.right == Right::Put { (a, b) } else { (b, a) };
            let tags = if put.strike > call.strike { vec![Tag::Inverted] } else { Vec::new() };
            (is(put, Right::Put, 1) && is(call, Right::Call, -1)).then_some((Strategy::Collar, tags))
        }
        _ => None,
    }
}

fn two(a: &Unit, b: &Unit) -> Option<Label> {
    if a.right != b.right {
        return pair(a, b);
    }
    let opposite = a.quantity.signum() != b.quantity.signum();
    if !opposite {
        return None;
    }
    if a.expiry != b.expiry {
        let (near, far) = if a.expiry < b.expiry { (a, b) } else { (b, a) };
        if near.quantity.abs() != 1 || far.quantity.abs() != 1 {
            return None;
        }
        let strategy =
            if near.strike == far.strike { Strategy::CalendarSpread } else { Strategy::DiagonalSpread };
        return Some((strategy, vec![side(far.quantity), right(near)]));
    }
    match (a.quantity.abs(), b.quantity.abs()) {
        (1, 1) => {
            // Puts: the higher strike costs more; calls: the lower.
            let dearer = if a.right == Right::Put { b } else { a };
            let cash = if dearer.quantity < 0 { Tag::Credit } else { Tag::Debit };
            Some((Strategy::VerticalSpread, vec![cash, right(a)]))
        }
        (1, _) | (_, 1) => {
            let many = if a.quantity.abs() > 1 { a } else { b };
            let kind = if many.quantity < 0 { Tag::Front } else { Tag::Back };
            Some((Strategy::RatioSpread, vec![kind, right(a)]))
        }
        _ => None,
    }
}

/// A put and a call of one expiry.
fn pair(a: &Unit, b: &Unit) -> Option<Label> {
    let (put, call) = if a.right == Right::Put { (a, b) } else { (b, a) };
    if put.expiry != call.expiry || put.quantity != call.quantity || put.quantity.abs() != 1 {
        return None;
    }
    let mut tags = vec![side(put.quantity)];
    if put.strike == call.strike {
        return Some((Strategy::Straddle, tags));
    }
    if put.strike > call.strike {
        tags.push(Tag::Inverted);
    }
    Some((Strategy::Strangle, tags))
}

fn three(a: &Unit, b: &Unit, c: &Unit) -> Option<Label> {
    if a.expiry != b.expiry || b.expiry != c.expiry {
        return None;
    }
    let rights = [a, b, c].map(|u| u.right);
    if rights.iter().all(|r| *r == rights[0]) {
        let wings = a.quantity == c.quantity && a.quantity.abs() == 1 && b.quantity == -2 * a.quantity;
        let distinct = a.strike < b.strike && b.strike < c.strike;
        let mut tags = vec![side(a.quantity), right(a)];
        if b.strike - a.strike != c.strike - b.strike {
            tags.push(Tag::BrokenWing);
        }
        return (wings && distinct).then_some((Strategy::Butterfly, tags));
    }
    lizard([a, b, c])
}

/// Short put, short call, long higher call.
fn lizard(units: [&Unit; 3]) -> Option<Label> {
    let put = units.iter().find(|u| u.right == Right::Put && u.quantity == -1)?;
    let short = units.iter().find(|u| u.right == Right::Call && u.quantity == -1)?;
    let long = units.iter().find(|u| u.right == Right::Call && u.quantity == 1)?;
    if long.strike <= short.strike || put.strike > short.strike {
        return None;
    }
    let strategy = if put.strike == short.strike { Strategy::BigLizard } else { Strategy::JadeLizard };
    Some((strategy, vec![Tag::Short]))
}

fn four(units: [&Unit; 4]) -> Option<Label> {
    if units.iter().any(|u| u.quantity.abs() != 1) {
        return None;
    }
    let puts: Vec<&Unit> = units.iter().copied().filter(|u| u.right == Right::Put).collect();
    let calls: Vec<&Unit> = units.iter().copied().filter(|u| u.right == Right::Call).collect();
    let one_expiry = units.iter().all(|u| u.expiry == units[0].expiry);
    match (puts.as_slice(), calls.as_slice()) {
        ([p1, p2], [c1, c2]) if one_expiry => iron([p1, p2], [c1, c2]),
        ([p1, p2], [c1, c2]) => double_calendar([p1, p2], [c1, c2]),
        ([_, ..], [_, ..]) => None,
        _ if one_expiry => condor(units),
        _ => None,
    }
}

fn condor([a, b, c, d]: [&Unit; 4]) -> Option<Label> {
    let signs = [a, b, c, d].map(|u| u.quantity);
    let shape = [signs[0], -signs[0], -signs[0], signs[0]];
    let rising = a.strike < b.strike && b.strike < c.strike && c.strike < d.strike;
    let mut tags = vec![side(signs[0]), right(a)];
    if b.strike - a.strike != d.strike - c.strike {
        tags.push(Tag::BrokenWing);
    }
    (signs == shape && rising).then_some((Strategy::Condor, tags))
}

/// Wings outside on one side of the market, bodies inside on the other. Strikes ascend within each pair.
fn iron([p1, p2]: [&Unit; 2], [c1, c2]: [&Unit; 2]) -> Option<Label> {
    let wings = p1.quantity == c2.quantity;
    let bodies = p2.quantity == c1.quantity && p2.quantity == -p1.quantity;
    if !(wings && bodies && p1.strike < p2.strike && c1.strike < c2.strike) {
        return None;
    }
    let mut tags = vec![side(p2.quantity)];
    if p2.strike - p1.strike != c2.strike - c1.strike {
        tags.push(Tag::BrokenWing);
    }
    if p2.strike > c1.strike {
        tags.push(Tag::Inverted);
    }
    let strategy = if p2.strike == c1.strike { Strategy::IronButterfly } else { Strategy::IronCondor };
    Some((strategy, tags))
}

fn double_calendar([p1, p2]: [&Unit; 2], [c1, c2]: [&Unit; 2]) -> Option<Label> {
    let (puts, calls) = (two(p1, p2)?, two(c1, c2)?);
    let both = puts.0 == Strategy::CalendarSpread && calls.0 == Strategy::CalendarSpread;
    let same = p1.expiry == c1.expiry && p2.expiry == c2.expiry && puts.1.first() == calls.1.first();
    let tags = puts.1.first().copied().into_iter().collect();
    (both && same && p1.strike < c1.strike).then_some((Strategy::CalendarDoubleSpread, tags))
}

/// At every expiry, what is short from there on is covered by what is long from there on; for calls shares
/// count, and short shares need calls themselves.
pub(super) fn defined(held: &[Held], legs: &[Part]) -> bool {
    let mut shares = Decimal::ZERO;
    let mut options: Vec<(&OptionContract, Decimal)> = Vec::new();
    for leg in legs {
        match &held[leg.index].instrument {
            Instrument::Option(contract) => {
                options.push((contract, leg.quantity * Decimal::from(contract.multiplier)));
            }
            Instrument::Equity(_) | Instrument::Index(_) => shares += leg.quantity,
        }
    }
    let from = |right: Right, expiry: Option<NaiveDate>| -> Decimal {
        let later = options.iter().filter(|(c, _)| c.right == right && expiry.is_none_or(|e| c.expiry >= e));
        later.map(|(_, quantity)| *quantity).sum()
    };
    let covered = |expiry| {
        from(Right::Call, expiry) + shares >= Decimal::ZERO && from(Right::Put, expiry) >= Decimal::ZERO
    };
    covered(None) && options.iter().all(|(contract, _)| covered(Some(contract.expiry)))
}
