//! What the broker does between sessions: exercise, assignment, expiry, cash settlement, dividends.

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive, ToPrimitive};

use crate::domain::settlement::{self, Ending};
use crate::domain::time::{Timestamp, new_york_date};
use crate::domain::{Instrument, OptionContract, TradingDate};

use super::super::world::book::BookPosition;
use super::super::world::value::expiry_instant;
use super::super::world::{Market, days};
use super::fees::Fees;
use super::ledger::{Booking, TransactionKind};
use super::order::Action;
use super::trading::{tell_balance, tell_position};
use super::transitions;
use super::venue::{At, Rules, Venue};

/// Before the open: whoever held shares at the close before the ex-date gets the dividend, whoever owed them
/// pays it; lines that were closed leave the list.
pub fn morning(venue: &mut Venue, rules: &Rules<'_>, moment: Timestamp) {
    let today = new_york_date(moment);
    for account in 0..venue.accounts.len() {
        let lines = &mut venue.accounts[account].book.positions;
        let before = lines.len();
        lines.retain(|line| !line.quantity.is_zero());
        venue.changed |= lines.len() != before;
        let paid: Vec<(BookPosition, Decimal)> = venue.accounts[account]
            .book
            .positions
            .iter()
            .filter(|line| line.instrument.option().is_none())
            .filter_map(|line| {
                let dividend = dividend_on(rules.market, line.instrument.underlying().as_str(), today)?;
                Some((line.clone(), dividend))
            })
            .collect();
        for (line, dividend) in &paid {
            let id = venue.next_transaction();
            let symbol = line.instrument.underlying();
            let description = format!("{symbol} dividend of {dividend} on {} shares", line.quantity);
            let value = (dividend * line.quantity).round_dp(2);
            venue.accounts[account].pay(id, "Dividend", description, value, moment);
            venue.changed = true;
        }
        if !paid.is_empty() {
            tell_balance(venue, rules, account);
        }
    }
}

fn dividend_on(market: &dyn Market, symbol: &str, date: TradingDate) -> Option<Decimal> {
    let metrics = market.metrics(symbol, days::at(date, 8, 0))?;
    let is_ex = metrics.next_ex_date == Some(date) || metrics.last_ex_date == Some(date);
    Decimal::from_f64(metrics.dividend.filter(|_| is_ex)?).map(|amount| amount.round_dp(6))
}

/// After the close: contracts that ended today leave the accounts, and so do short calls whose owners take the
/// dividend of the next morning.
pub fn settlement(venue: &mut Venue, rules: &Rules<'_>, moment: Timestamp) {
    let today = new_york_date(moment);
    for account in 0..venue.accounts.len() {
        let lines: Vec<BookPosition> = venue.accounts[account]
            .book
            .positions
            .iter()
            .filter(|l| !l.quantity.is_zero())
            .cloned()
            .collect();
        let mut moved = false;
        for line in lines {
            let Some(contract) = line.instrument.option() else { continue };
            let ended = contract.expiry <= today;
            if ended {
                let at = expiry_instant(contract.expiry, contract.settlement);
                // A price that nobody knows lets them expire worthless.
                let spot = rules.market.print(contract.underlying.as_str(), at).map(|print| print.last);
                let ending = spot
                    .map_or(Ending::Worthless, |spot| settlement::at_expiry(contract, line.quantity, spot));
                leave(venue, rules, account, &line, contract, ending, moment);
                moved = true;
            } else if is_taken_early(rules.market, &line, contract, today) {
                let ending = settlement::exercised(contract, line.quantity);
                leave(venue, rules, account, &line, contract, ending, moment);
                moved = true;
            }
        }
        if moved {
            tell_balance(venue, rules, account);
        }
        end_orders(venue, rules, account, today);
    }
}

/// The owner of a call exercises on the evening before the ex-date when what is left of its time value is less
/// than the dividend.
fn is_taken_early(
    market: &dyn Market,
    line: &BookPosition,
    contract: &OptionContract,
    today: TradingDate,
) -> bool {
    let symbol = contract.underlying.as_str();
    let Some(dividend) = dividend_on(market, symbol, days::session_after(today)).and_then(|d| d.to_f64())
    else {
        return false;
    };
    let close = days::session(today).map_or_else(|| days::at(today, 16, 0), |session| session.close);
    let (Some(print), Some((mark, _))) = (market.print(symbol, close), market.mark(&line.instrument, close))
    else {
        return false;
    };
    settlement::is_taken_early(contract, line.quantity, (print.last, mark), dividend)
}

/// Takes one line of contracts out of an account.
fn leave(
    venue: &mut Venue,
    rules: &Rules<'_>,
    account: usize,
    line: &BookPosition,
    contract: &OptionContract,
    ending: Ending,
    at: Timestamp,
) {
    let short = line.quantity.is_sign_negative();
    let contracts = line.quantity.abs();
    let (sub, cash) = match (ending, short) {
        (Ending::Worthless, _) => ("Expiration", Decimal::ZERO),
        (Ending::Shares { .. }, true) => ("Assignment", Decimal::ZERO),
        (Ending::Shares { .. }, false) => ("Exercise", Decimal::ZERO),
        (Ending::Cash { per_share }, true) => ("Cash Settled Assignment", per_share),
        (Ending::Cash { per_share }, false) => ("Cash Settled Exercise", per_share),
    };
    let away = if short { Action::BuyToClose } else { Action::SellToClose };
    deliver(venue, account, sub, &line.instrument, away, contracts, cash, at);
    tell_position(venue, rules, account, &line.instrument);
    if let Ending::Shares { count } = ending {
        let shares = Instrument::Equity(contract.underlying.clone());
        let buys = count.is_sign_positive();
        let held = venue.accounts[account].units(&shares);
        let action = match (buys, held.is_sign_negative() && !held.is_zero(), held > Decimal::ZERO) {
            (true, true, _) => Action::BuyToClose,
            (true, false, _) => Action::BuyToOpen,
            (false, _, true) => Action::SellToClose,
            (false, _, false) => Action::SellToOpen,
        };
        deliver(venue, account, sub, &shares, action, count.abs(), contract.strike, at);
        tell_position(venue, rules, account, &shares);
    }
}

#[expect(clippy::too_many_arguments, reason = "one line of a delivery note")]
fn deliver(
    venue: &mut Venue,
    account: usize,
    sub: &str,
    instrument: &Instrument,
    action: Action,
    quantity: Decimal,
    price: Decimal,
    at: Timestamp,
) {
    let id = venue.next_transaction();
    venue.changed = true;
    venue.accounts[account].book(
        id,
        &Booking {
            kind: TransactionKind::ReceiveDeliver,
            sub,
            instrument,
            action,
            quantity,
            price,
            fees: Fees::default(),
            at,
            order: None,
            exec: None,
            group: None,
        },
    );
}

/// Orders in contracts that are no more.
fn end_orders(venue: &mut Venue, rules: &Rules<'_>, account: usize, today: TradingDate) {
    for order in 0..venue.accounts[account].orders.len() {
        let at = At { account, order };
        let order = venue.order(at);
        let is_gone = |i: &Instrument| i.option().is_some_and(|contract| contract.expiry <= today);
        if !order.status.is_terminal() && order.legs.iter().any(|leg| is_gone(&leg.instrument)) {
            transitions::expire(venue, rules, at);
        }
    }
}
