//! Which structures a bag of legs is made of. The label names what is held; it decides nothing about risk,
//! which is computed from the legs.
//!
//! Never: prices anything, or moves a leg out of a trade: it is asked only for legs that have none yet.

mod signature;

use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::domain::{Instrument, Leg, Strategy, Symbol, Timestamp};
use signature::{Unit, classify};

/// Legs opened within this time of each other came from one order.
const ONE_ORDER: TimeDelta = TimeDelta::seconds(2);
/// More distinct contracts than this in one underlying are not searched for combinations.
const MOST_CONTRACTS: usize = 32;

/// Something held, in one account.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub instrument: Instrument,
    /// Contracts or shares, short negative.
    pub quantity: Decimal,
    pub opened_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tag {
    Long,
    Short,
    Credit,
    Debit,
    Call,
    Put,
    Covered,
    BrokenWing,
    /// Put strike above the call strike.
    Inverted,
    /// A ratio's side with the greater number sold.
    Front,
    /// … bought.
    Back,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Part {
    /// Place in what was given.
    pub index: usize,
    pub quantity: Decimal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    pub strategy: Strategy,
    pub tags: Vec<Tag>,
    /// How many units; for a single option and for shares the signed quantity.
    pub multiplicity: Decimal,
    pub legs: Vec<Part>,
    /// Nearest first.
    pub expiries: Vec<NaiveDate>,
    /// Every short option is covered by shares or by a long option that lives at least as long.
    pub defined_risk: bool,
}

/// The structure that all the legs form together.
pub fn label(legs: &[Leg]) -> Strategy {
    let held: Vec<Held> = legs
        .iter()
        .map(|leg| Held { instrument: leg.instrument.clone(), quantity: leg.quantity, opened_at: None })
        .collect();
    let mut bag = Bag::of(&held, &all(&held));
    match whole(&mut bag) {
        Some(group) if bag.is_empty() => group.strategy,
        _ => Strategy::Custom,
    }
}

/// Is every short option of these legs covered by shares or by a long option that lives at least as long?
pub fn is_defined_risk(legs: &[Leg]) -> bool {
    let held: Vec<Held> = legs
        .iter()
        .map(|leg| Held { instrument: leg.instrument.clone(), quantity: leg.quantity, opened_at: None })
        .collect();
    let parts: Vec<Part> =
        held.iter().enumerate().map(|(index, h)| Part { index, quantity: h.quantity }).collect();
    signature::defined(&held, &parts)
}

/// Splits what is held into structures: first what was opened together, then each underlying's rest as one,
/// then greedily. Every quantity given comes back in exactly one group, netted by contract.
pub fn recognise(held: &[Held]) -> Vec<Group> {
    let mut underlyings: Vec<&Symbol> = held.iter().map(|h| h.instrument.underlying()).collect();
    underlyings.sort();
    underlyings.dedup();
    let mut groups = Vec::new();
    for underlying in underlyings {
        let mine: Vec<usize> =
            (0..held.len()).filter(|&i| held[i].instrument.underlying() == underlying).collect();
        one_underlying(held, &mine, &mut groups);
    }
    groups
}

fn all(held: &[Held]) -> Vec<usize> {
    (0..held.len()).collect()
}

fn one_underlying(held: &[Held], mine: &[usize], groups: &mut Vec<Group>) {
    let mut bag = Bag::of(held, mine);
    groups.extend(bag.take_odd());
    for order in orders(held, &bag) {
        let mut together = bag.only(&order);
        if let Some(group) = whole(&mut together)
            && group.strategy != Strategy::Single
            && group.strategy != Strategy::Stock
        {
            bag.remove(&group);
            groups.push(group);
        }
    }
    if let Some(group) = whole(&mut bag) {
        groups.push(group);
    }
    greedy(&mut bag, groups);
    leftovers(&mut bag, groups);
    unite_shares(groups);
}

/// Full lots and the rest of one holding, with no option between them, are one position.
fn unite_shares(groups: &mut Vec<Group>) {
    let mut united: Vec<Group> = Vec::with_capacity(groups.len());
    for group in groups.drain(..) {
        let same = |known: &&mut Group| {
            known.strategy == Strategy::Stock
                && group.strategy == Strategy::Stock
                && known.legs.len() == 1
                && known.legs.first().map(|p| p.index) == group.legs.first().map(|p| p.index)
        };
        match (united.iter_mut().find(same), group.legs.first()) {
            (Some(known), Some(part)) => {
                known.multiplicity += group.multiplicity;
                known.legs[0].quantity += part.quantity;
            }
            _ => united.push(group),
        }
    }
    *groups = united;
}

/// Sets of at least two contracts that were opened at one time.
fn orders(held: &[Held], bag: &Bag<'_>) -> Vec<Vec<usize>> {
    let mut timed: Vec<(Timestamp, usize)> =
        bag.pieces.iter().filter_map(|p| Some((held[p.index].opened_at?, p.index))).collect();
    timed.sort();
    let mut orders: Vec<Vec<usize>> = Vec::new();
    let mut last: Option<Timestamp> = None;
    for (at, index) in timed {
        match (last, orders.last_mut()) {
            (Some(before), Some(order)) if at - before <= ONE_ORDER => order.push(index),
            _ => orders.push(vec![index]),
        }
        last = Some(at);
    }
    orders.retain(|order| order.len() >= 2);
    orders
}

#[derive(Debug, Clone)]
struct Piece {
    index: usize,
    /// Contracts, or lots of a hundred shares.
    quantity: i64,
    /// `None`: shares.
    option: Option<Unit>,
}

/// What is left to be recognised of one underlying.
struct Bag<'a> {
    held: &'a [Held],
    pieces: Vec<Piece>,
    /// Shares beside full lots, fractions of contracts, adjusted deliverables.
    odd: Vec<Part>,
}

impl<'a> Bag<'a> {
    fn of(held: &'a [Held], mine: &[usize]) -> Self {
        let mut bag = Self { held, pieces: Vec::new(), odd: Vec::new() };
        let mut seen: Vec<(&Instrument, usize, Decimal)> = Vec::new();
        for &index in mine {
            let one = &held[index];
            match seen.iter_mut().find(|(instrument, _, _)| *instrument == &one.instrument) {
                Some((_, _, sum)) => *sum += one.quantity,
                None => seen.push((&one.instrument, index, one.quantity)),
            }
        }
        for (instrument, index, quantity) in seen {
            bag.put(instrument, index, quantity);
        }
        bag
    }

    fn put(&mut self, instrument: &Instrument, index: usize, quantity: Decimal) {
        let option = match instrument {
            Instrument::Option(contract) if contract.is_standard() => Some(Unit::of(contract)),
            Instrument::Option(_) => {
                self.odd.push(Part { index, quantity });
                return;
            }
            Instrument::Equity(_) | Instrument::Index(_) => None,
        };
        let size = if option.is_some() { Decimal::ONE } else { Decimal::ONE_HUNDRED };
        let units = (quantity / size).trunc();
        let rest = quantity - units * size;
        if !rest.is_zero() {
            self.odd.push(Part { index, quantity: rest });
        }
        match units.to_i64() {
            Some(quantity) if quantity != 0 => self.pieces.push(Piece { index, quantity, option }),
            Some(_) => {}
            None => self.odd.push(Part { index, quantity: units * size }),
        }
    }

    /// What no template describes, each on its own.
    fn take_odd(&mut self) -> Vec<Group> {
        let parts = std::mem::take(&mut self.odd);
        let strategy = |part: &Part| match self.held[part.index].instrument {
            Instrument::Option(_) => Strategy::Custom,
            Instrument::Equity(_) | Instrument::Index(_) => Strategy::Stock,
        };
        parts
            .into_iter()
            .map(|part| {
                let (strategy, multiplicity) = (strategy(&part), part.quantity);
                self.group(strategy, Vec::new(), multiplicity, vec![part])
            })
            .collect()
    }

    fn is_empty(&self) -> bool {
        self.pieces.is_empty() && self.odd.is_empty()
    }

    fn only(&self, indices: &[usize]) -> Self {
        let pieces = self.pieces.iter().filter(|p| indices.contains(&p.index)).cloned().collect();
        Self { held: self.held, pieces, odd: Vec::new() }
    }

    fn remove(&mut self, group: &Group) {
        for part in &group.legs {
            if let Some(piece) = self.pieces.iter_mut().find(|p| p.index == part.index) {
                let size = if piece.option.is_some() { Decimal::ONE } else { Decimal::ONE_HUNDRED };
                piece.quantity -= (part.quantity / size).to_i64().unwrap_or(0);
            }
        }
        self.pieces.retain(|p| p.quantity != 0);
    }

    fn part(piece: &Piece, quantity: i64) -> Part {
        let size = if piece.option.is_some() { 1 } else { 100 };
        Part { index: piece.index, quantity: Decimal::from(quantity) * Decimal::from(size) }
    }

    fn group(&self, strategy: Strategy, tags: Vec<Tag>, multiplicity: Decimal, legs: Vec<Part>) -> Group {
        let mut expiries: Vec<NaiveDate> =
            legs.iter().filter_map(|p| Some(self.held[p.index].instrument.option()?.expiry)).collect();
        expiries.sort();
        expiries.dedup();
        let defined_risk = signature::defined(self.held, &legs);
        Group { strategy, tags, multiplicity, legs, expiries, defined_risk }
    }
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

/// All pieces as one structure, if they are one. Takes them out of the bag.
fn whole(bag: &mut Bag<'_>) -> Option<Group> {
    let count = bag.pieces.iter().fold(0, |g, p| gcd(g, p.quantity));
    if count == 0 {
        return None;
    }
    let (mut lots, mut units) = (0, Vec::new());
    for piece in &bag.pieces {
        match &piece.option {
            Some(unit) => units.push(Unit { quantity: piece.quantity / count, ..unit.clone() }),
            None => lots = piece.quantity / count,
        }
    }
    let (strategy, tags) = classify(lots, &units)?;
    let parts: Vec<Part> = bag.pieces.iter().map(|p| Bag::part(p, p.quantity)).collect();
    let multiplicity = match (strategy, parts.as_slice()) {
        (Strategy::Single | Strategy::Stock, [only]) => only.quantity,
        _ => Decimal::from(count),
    };
    let group = bag.group(strategy, tags, multiplicity, parts);
    bag.pieces.clear();
    Some(group)
}

/// Templates in the order in which they are looked for, with the number of options, and whether a lot of
/// shares belongs to them. Ratios and singles are never cut out of a larger bag.
const ORDER: [(Strategy, usize, bool); 15] = [
    (Strategy::Collar, 2, true),
    (Strategy::CoveredCall, 1, true),
    (Strategy::ProtectivePut, 1, true),
    (Strategy::IronButterfly, 4, false),
    (Strategy::IronCondor, 4, false),
    (Strategy::Butterfly, 3, false),
    (Strategy::Condor, 4, false),
    (Strategy::BigLizard, 3, false),
    (Strategy::JadeLizard, 3, false),
    (Strategy::CalendarDoubleSpread, 4, false),
    (Strategy::CalendarSpread, 2, false),
    (Strategy::DiagonalSpread, 2, false),
    (Strategy::VerticalSpread, 2, false),
    (Strategy::Straddle, 2, false),
    (Strategy::Strangle, 2, false),
];

struct Candidate {
    /// Places in the bag and the signed number of contracts per unit.
    members: Vec<(usize, i64)>,
    tags: Vec<Tag>,
    count: i64,
    /// Fewest expiries, narrowest, nearest, lowest.
    rank: (usize, Decimal, NaiveDate, Decimal),
}

fn greedy(bag: &mut Bag<'_>, groups: &mut Vec<Group>) {
    if bag.pieces.len() > MOST_CONTRACTS {
        return;
    }
    for (strategy, options, with_shares) in ORDER {
        // Each round takes at least one contract away completely.
        while let Some(found) = best(bag, strategy, options, with_shares) {
            let parts =
                found.members.iter().map(|&(place, n)| Bag::part(&bag.pieces[place], n * found.count));
            let group = bag.group(strategy, found.tags, Decimal::from(found.count), parts.collect());
            bag.remove(&group);
            groups.push(group);
        }
    }
}

fn best(bag: &Bag<'_>, strategy: Strategy, options: usize, with_shares: bool) -> Option<Candidate> {
    let shares = bag.pieces.iter().position(|p| p.option.is_none() && p.quantity > 0);
    let lots = match (with_shares, shares) {
        (true, None) => return None,
        (true, Some(place)) => Some(place),
        (false, _) => None,
    };
    let mut found: Option<Candidate> = None;
    let mut chosen = Vec::with_capacity(options);
    combine(bag, strategy, lots, options, 0, &mut chosen, &mut found);
    found
}

fn combine(
    bag: &Bag<'_>,
    strategy: Strategy,
    lots: Option<usize>,
    options: usize,
    from: usize,
    chosen: &mut Vec<usize>,
    found: &mut Option<Candidate>,
) {
    if chosen.len() == options {
        if let Some(candidate) = judge(bag, strategy, lots, chosen)
            && found.as_ref().is_none_or(|best| candidate.rank < best.rank)
        {
            *found = Some(candidate);
        }
        return;
    }
    for place in from..bag.pieces.len() {
        if bag.pieces[place].option.is_some() {
            chosen.push(place);
            combine(bag, strategy, lots, options, place + 1, chosen, found);
            chosen.pop();
        }
    }
}

fn judge(bag: &Bag<'_>, strategy: Strategy, lots: Option<usize>, chosen: &[usize]) -> Option<Candidate> {
    let mut sorted: Vec<(usize, &Unit)> =
        chosen.iter().filter_map(|&place| Some((place, bag.pieces[place].option.as_ref()?))).collect();
    sorted.sort_by_key(|(_, unit)| (unit.strike, unit.expiry));
    let body = |i: usize| if strategy == Strategy::Butterfly && i == 1 { 2 } else { 1 };
    let mut members: Vec<(usize, i64)> = sorted
        .iter()
        .enumerate()
        .map(|(i, (place, _))| (*place, bag.pieces[*place].quantity.signum() * body(i)))
        .collect();
    let units: Vec<Unit> = sorted
        .iter()
        .zip(&members)
        .map(|((_, unit), (_, quantity))| Unit { quantity: *quantity, ..(*unit).clone() })
        .collect();
    let (label, tags) = classify(i64::from(lots.is_some()), &units)?;
    if label != strategy {
        return None;
    }
    members.extend(lots.map(|place| (place, 1)));
    let count = members.iter().map(|&(place, n)| bag.pieces[place].quantity / n).min()?;
    let (low, high) = (units.first()?.strike, units.last()?.strike);
    let mut expiries: Vec<NaiveDate> = units.iter().map(|u| u.expiry).collect();
    expiries.sort();
    expiries.dedup();
    let rank = (expiries.len(), high - low, *expiries.first()?, low);
    (count > 0).then_some(Candidate { members, tags, count, rank })
}

fn leftovers(bag: &mut Bag<'_>, groups: &mut Vec<Group>) {
    let pieces = std::mem::take(&mut bag.pieces);
    let mut by_expiry: std::collections::BTreeMap<Option<NaiveDate>, Vec<&Piece>> = Default::default();
    for piece in &pieces {
        by_expiry.entry(piece.option.as_ref().map(|unit| unit.expiry)).or_default().push(piece);
    }
    for (expiry, pieces) in by_expiry {
        if expiry.is_some() && pieces.len() > 2 {
            let parts = pieces.iter().map(|p| Bag::part(p, p.quantity)).collect();
            groups.push(bag.group(Strategy::Custom, Vec::new(), Decimal::ONE, parts));
            continue;
        }
        for piece in pieces {
            let part = Bag::part(piece, piece.quantity);
            let units: Vec<Unit> = piece
                .option
                .iter()
                .map(|unit| Unit { quantity: piece.quantity.signum(), ..unit.clone() })
                .collect();
            let lots = if units.is_empty() { piece.quantity } else { 0 };
            let (strategy, tags) = classify(lots, &units).unwrap_or((Strategy::Stock, Vec::new()));
            groups.push(bag.group(strategy, tags, part.quantity, vec![part]));
        }
    }
}

#[cfg(test)]
mod tests;
