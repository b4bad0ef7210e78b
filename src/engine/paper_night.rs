//! The evening of accounts on paper, where no broker exercises, assigns or settles: contracts that ended, and short
//! calls that are taken for a dividend, by the rules of `domain::settlement`.
//!
//! Never: settles at a price that is not the close of the day (the open, of what ends in the morning), or at one of
//! another day.

use std::collections::BTreeSet;
use std::fmt::Write;

use rust_decimal::Decimal;

use crate::containers::Containers;
use crate::domain::event::{NoteKind, NoteRecorded, TradeClosed, TradeResized};
use crate::domain::settlement::{self, Ending};
use crate::domain::time::new_york_date;
use crate::domain::trade::CloseReason;
use crate::domain::{
    AccountId, Event, Instrument, Leg, OptionContract, Price, Settlement, Symbol, Trade, TradingDate,
};
use crate::market::view::MarketView;
use crate::risk::recognition;

/// What the evening does to every trade on paper.
pub fn settle(books: &Containers, market: &MarketView) -> Vec<Event> {
    on_paper(books).flat_map(|trade| of_trade(trade, market)).collect()
}

/// For the warnings: what ended on an earlier day and is held still, because nobody knows yet what it was worth.
pub fn unsettled(books: &Containers, market: &MarketView) -> BTreeSet<String> {
    let held = on_paper(books).flat_map(|trade| trade.legs.iter().filter(|leg| !leg.quantity.is_zero()));
    let contracts = held.filter_map(|leg| leg.instrument.option());
    let waits = |contract: &&OptionContract| {
        new_york_date(market.now()) > contract.expiry && settled_at(contract, market).is_none()
    };
    contracts.filter(waits).map(words_of_waiting).collect()
}

fn words_of_waiting(contract: &OptionContract) -> String {
    let (underlying, right) = (&contract.underlying, contract.right.letter());
    let (expiry, strike) = (contract.expiry.format("%-d %b"), contract.strike.normalize());
    let price = if contract.settlement == Settlement::Am { "open" } else { "close" };
    let stays = "of that day is not known: it stays until it is";
    format!("{underlying} {expiry} {strike} {right} ended and the {price} {stays}")
}

fn on_paper(books: &Containers) -> impl Iterator<Item = &Trade> {
    books.open_trades().filter(|trade| trade.account.is_some_and(AccountId::is_paper))
}

fn of_trade(trade: &Trade, market: &MarketView) -> Vec<Event> {
    let mut night = Night::default();
    for leg in &trade.legs {
        let Some(contract) = leg.instrument.option().filter(|_| !leg.quantity.is_zero()) else { continue };
        if let Some(ending) = ending(contract, leg.quantity, market) {
            night.take(leg, contract, ending);
        }
    }
    if night.ended.is_empty() {
        return Vec::new();
    }
    let mut legs: Vec<Leg> = trade.legs.clone();
    legs.retain(|leg| !night.ended.contains(&leg.instrument));
    night.deliver(&trade.underlying, &mut legs);
    legs.retain(|leg| !leg.quantity.is_zero());
    let note = NoteRecorded {
        trade: Some(trade.id),
        note_kind: NoteKind::Outcome,
        underlying: Some(trade.underlying.clone()),
        strategy: Some(trade.strategy),
        rationale: night.words,
    };
    let change = if legs.is_empty() {
        Event::TradeClosed(TradeClosed { trade: trade.id, why: night.why, rationale: None })
    } else {
        let strategy = recognition::label(&legs);
        Event::TradeResized(TradeResized { trade: trade.id, legs, strategy })
    };
    vec![Event::NoteRecorded(note), change]
}

/// What becomes of a contract now; `None`: it runs on, or nobody knows yet.
fn ending(contract: &OptionContract, quantity: Decimal, market: &MarketView) -> Option<Ending> {
    if market.now() >= market.calendar().expiry_instant(contract) {
        let spot = settled_at(contract, market)?;
        return Some(settlement::at_expiry(contract, quantity, spot));
    }
    let today = new_york_date(market.now());
    let calendar = market.calendar();
    if !calendar.is_session(today) || market.now() < calendar.close_at(today) {
        return None;
    }
    let dividend = market.next_dividend(&contract.underlying)?;
    // Only what is announced is exercised for, and only on the eve.
    if dividend.estimated || dividend.ex_date != calendar.next_session(today) {
        return None;
    }
    let spot = close_of(&contract.underlying, today, market)?;
    let mark = market.mark(&Instrument::Option(contract.clone().into())).known()?.to_f64();
    settlement::is_taken_early(contract, quantity, (spot, mark), dividend.amount)
        .then(|| settlement::exercised(contract, quantity))
}

/// The price that its last day settles it at. Of one that ends in the morning it is the open: an exchange takes the
/// opening prices of the index's members, which are not known here.
fn settled_at(contract: &OptionContract, market: &MarketView) -> Option<f64> {
    match contract.settlement {
        Settlement::Pm => close_of(&contract.underlying, contract.expiry, market),
        Settlement::Am => {
            let mut bars = market.finished_bars(&contract.underlying).iter().rev();
            let open = bars.find(|bar| bar.date == contract.expiry)?.open;
            (open.is_finite() && open > 0.0).then_some(open)
        }
    }
}

fn close_of(symbol: &Symbol, date: TradingDate, market: &MarketView) -> Option<f64> {
    let bar = market.finished_bars(symbol).iter().rev().find(|bar| bar.date == date).map(|bar| bar.close);
    let previous = || {
        let today = new_york_date(market.now());
        let is_previous = today > date && market.calendar().previous_session(today) == date;
        is_previous.then(|| market.previous_close(&Instrument::watched(symbol))).flatten().map(Price::to_f64)
    };
    bar.or_else(previous).filter(|close| close.is_finite() && *close > 0.0)
}

/// What the contracts of one trade leave behind together.
struct Night {
    ended: Vec<Instrument>,
    /// Shares, signed, and what all of it was paid with: strikes, and what the contracts had cost or brought.
    shares: Decimal,
    paid: Option<Decimal>,
    why: CloseReason,
    words: String,
}

impl Default for Night {
    fn default() -> Self {
        Self {
            ended: Vec::new(),
            shares: Decimal::ZERO,
            paid: Some(Decimal::ZERO),
            why: CloseReason::Expired,
            words: "on paper:".to_owned(),
        }
    }
}

impl Night {
    fn take(&mut self, leg: &Leg, contract: &OptionContract, ending: Ending) {
        let (word, delivered) = match ending {
            Ending::Worthless => ("ran off worthless".to_owned(), Decimal::ZERO),
            Ending::Cash { per_share } => {
                self.why = self.why_of(CloseReason::CashSettled);
                let cash = per_share * leg.quantity * Decimal::from(contract.multiplier);
                let by = if contract.settlement == Settlement::Am { ", by the open of its day" } else { "" };
                (format!("is settled in cash at {per_share} a share{by}"), -cash)
            }
            Ending::Shares { count } => {
                let short = leg.quantity.is_sign_negative();
                let (why, word) = if short {
                    (CloseReason::Assigned, "is assigned")
                } else {
                    (CloseReason::Exercised, "is exercised")
                };
                self.why = self.why_of(why);
                self.shares += count;
                (
                    format!("{word}: {} shares at {}", count.normalize(), contract.strike.normalize()),
                    count * contract.strike,
                )
            }
        };
        // Writing to a String does not fail.
        let _ =
            write!(self.words, " {} × {} {word};", leg.quantity.normalize(), leg.instrument.broker_symbol());
        self.paid = self.paid.zip(leg.cost()).map(|(paid, cost)| paid + delivered + cost.0);
        self.ended.push(leg.instrument.clone());
    }

    /// Assignment is the gravest word, then exercise, then cash.
    fn why_of(&self, why: CloseReason) -> CloseReason {
        match (self.why, why) {
            (CloseReason::Assigned, _) | (_, CloseReason::Assigned) => CloseReason::Assigned,
            (CloseReason::Exercised, _) => CloseReason::Exercised,
            _ => why,
        }
    }

    /// The shares join the legs. What the contracts had cost or brought is in their price: nothing that the trade made
    /// is lost from it while shares are left.
    fn deliver(&self, underlying: &Symbol, legs: &mut Vec<Leg>) {
        if self.shares.is_zero() {
            return;
        }
        let price = self.paid.and_then(|paid| paid.checked_div(self.shares)).map(|it| Price(it.round_dp(6)));
        let instrument = Instrument::Equity(underlying.clone());
        let Some(held) = legs.iter_mut().find(|leg| leg.instrument == instrument) else {
            legs.push(Leg { instrument, quantity: self.shares, entry: price });
            return;
        };
        let total = held.quantity + self.shares;
        let same_side = held.quantity.is_sign_positive() == self.shares.is_sign_positive();
        if same_side {
            let cost = held.entry.zip(price).map(|(own, new)| own.0 * held.quantity + new.0 * self.shares);
            held.entry = cost.and_then(|cost| cost.checked_div(total)).map(|it| Price(it.round_dp(6)));
        } else if total.is_sign_positive() != held.quantity.is_sign_positive() {
            held.entry = price;
        }
        held.quantity = total;
    }
}
