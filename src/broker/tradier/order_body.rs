//! Our ticket as the form that is sent. One ticket has one body: the preview asks about exactly what is sent
//! afterwards, and the hash says so.
//!
//! Never: sends, rounds a price, makes a market order.

use rust_decimal::Decimal;
use url::form_urlencoded::Serializer;

use super::parse::orders::{MOST_TOLD_UNITS, SIDES};
use super::parse::symbol;
use crate::broker::answered::Body;
use crate::domain::Instrument;
use crate::domain::order::{BadTicket, NetPrice, OrderAction, OrderLeg, Ticket, TimeInForce};

/// Why nothing can be sent, and what can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error(transparent)]
    Ticket(#[from] BadTicket),
    #[error("Tradier knows orders for the day and until cancelled; choose one of these instead of a date")]
    Date,
    #[error("a single {what} has no limit with that sign; stage it again with the price it is to trade at")]
    Sign { what: &'static str },
    #[error(
        "Tradier names no fills: a leg of more than {MOST_TOLD_UNITS} cannot be followed; send smaller orders"
    )]
    TooMany,
    #[error(
        "Tradier takes no set of orders that are all limit orders, nor a reference for each of them; send each as an order of its own"
    )]
    Sets,
    #[error("the replacement belongs to another account than the order")]
    Accounts,
}

/// The new order. `preview` is no part of it: it goes behind.
pub fn order(ticket: &Ticket) -> Result<Body, Unsendable> {
    ticket.check()?;
    if ticket.legs.iter().any(|leg| leg.quantity > MOST_TOLD_UNITS) {
        return Err(Unsendable::TooMany);
    }
    let mut form = Serializer::new(String::new());
    match &ticket.legs[..] {
        [leg] => single(&mut form, leg),
        legs => several(&mut form, ticket, legs),
    };
    terms(&mut form, ticket)?;
    // Letters, digits and hyphens, at most 255 (documentation.tradier.com, "Place Multileg Order").
    form.append_pair("tag", &ticket.reference.to_string());
    Ok(Body(form.finish().into_bytes()))
}

/// Only what is to change is sent; the legs and the tag stay.
pub fn replacement(ticket: &Ticket) -> Result<Body, Unsendable> {
    ticket.check()?;
    let mut form = Serializer::new(String::new());
    terms(&mut form, ticket)?;
    Ok(Body(form.finish().into_bytes()))
}

/// The same order, asked about and not placed.
pub fn previewed(body: &Body) -> Body {
    Body([body.0.as_slice(), b"&preview=true"].concat())
}

fn single(form: &mut Serializer<'_, String>, leg: &OrderLeg) {
    let is_option = leg.instrument.option().is_some();
    form.append_pair("class", if is_option { "option" } else { "equity" });
    form.append_pair("symbol", leg.instrument.underlying().as_str());
    if is_option {
        form.append_pair("option_symbol", &symbol(&leg.instrument));
    }
    form.append_pair("side", side(&leg.instrument, leg.action));
    form.append_pair("quantity", &leg.quantity.to_string());
}

fn several(form: &mut Serializer<'_, String>, ticket: &Ticket, legs: &[OrderLeg]) {
    form.append_pair("class", "multileg");
    form.append_pair("symbol", ticket.underlying().map_or("", |symbol| symbol.as_str()));
    for (n, leg) in legs.iter().enumerate() {
        form.append_pair(&format!("option_symbol[{n}]"), &symbol(&leg.instrument));
        form.append_pair(&format!("side[{n}]"), side(&leg.instrument, leg.action));
        form.append_pair(&format!("quantity[{n}]"), &leg.quantity.to_string());
    }
}

/// Type, price and duration: what a change may change.
fn terms(form: &mut Serializer<'_, String>, ticket: &Ticket) -> Result<(), Unsendable> {
    let NetPrice(limit) = ticket.limit;
    let kind = match &ticket.legs[..] {
        [leg] => {
            let buys = leg.action.is_buy();
            if limit.is_zero() || buys == (limit > Decimal::ZERO) {
                return Err(Unsendable::Sign { what: if buys { "purchase" } else { "sale" } });
            }
            "limit"
        }
        _ if limit.is_zero() => "even",
        _ if limit > Decimal::ZERO => "credit",
        _ => "debit",
    };
    form.append_pair("type", kind);
    form.append_pair(
        "duration",
        match ticket.time_in_force {
            TimeInForce::Day => "day",
            TimeInForce::Gtc => "gtc",
            TimeInForce::Gtd(_) => return Err(Unsendable::Date),
        },
    );
    if kind != "even" {
        form.append_pair("price", &limit.abs().normalize().to_string());
    }
    Ok(())
}

/// Shares have sides of their own.
fn side(instrument: &Instrument, action: OrderAction) -> &'static str {
    let of_shares = instrument.option().is_none();
    let sides = if of_shares { &SIDES[4..] } else { &SIDES[..4] };
    let found = sides.iter().find(|(_, known)| *known == action);
    found.expect("both halves of the table name all four actions").0
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::broker::tradier::parse::instrument;
    use crate::domain::{AccountId, OrderRef, TradeId};

    fn ticket(legs: &[(&str, OrderAction)], cents: i64) -> Ticket {
        let leg = |(symbol, action): &(&str, OrderAction)| OrderLeg {
            instrument: instrument(symbol).expect("an instrument"),
            action: *action,
            quantity: 2,
        };
        Ticket {
            reference: OrderRef(Uuid::from_u128(7)),
            trade: TradeId(Uuid::from_u128(1)),
            account: AccountId::from_number("tradier", "1"),
            legs: legs.iter().map(leg).collect(),
            limit: NetPrice(Decimal::new(cents, 2)),
            time_in_force: TimeInForce::Day,
        }
    }

    fn sent(ticket: &Ticket) -> Result<String, Unsendable> {
        let body = order(ticket)?;
        let pairs: Vec<_> = url::form_urlencoded::parse(&body.0).map(|(k, v)| format!("{k}={v}")).collect();
        Ok(pairs.join(" "))
    }

    const TAG: &str = "tag=00000000-0000-0000-0000-000000000007";
    const PUT: &str = "SPY261218P00630000";
    const LOW: &str = "SPY261218P00620000";

    #[test]
    fn each_class_has_its_own_words() {
        use OrderAction::{BuyToClose, BuyToOpen, SellToClose, SellToOpen};
        let spread = [(PUT, SellToOpen), (LOW, BuyToOpen)];
        let legs = "class=multileg symbol=SPY option_symbol[0]=SPY261218P00630000 side[0]=sell_to_open quantity[0]=2 \
            option_symbol[1]=SPY261218P00620000 side[1]=buy_to_open quantity[1]=2";
        let of = |cents| sent(&ticket(&spread, cents)).expect("a form");
        assert_eq!(of(150), format!("{legs} type=credit duration=day price=1.5 {TAG}"));
        assert_eq!(of(-151), format!("{legs} type=debit duration=day price=1.51 {TAG}"));
        assert_eq!(of(0), format!("{legs} type=even duration=day {TAG}"));
        let option = sent(&Ticket { time_in_force: TimeInForce::Gtc, ..ticket(&[(PUT, BuyToClose)], -150) });
        let expected = "class=option symbol=SPY option_symbol=SPY261218P00630000 side=buy_to_close quantity=2 \
            type=limit duration=gtc price=1.5";
        assert_eq!(option, Ok(format!("{expected} {TAG}")));
        let sides = [
            (BuyToOpen, -1, "buy"),
            (SellToClose, 1, "sell"),
            (SellToOpen, 1, "sell_short"),
            (BuyToClose, -1, "buy_to_cover"),
        ];
        for (action, cents, side) in sides {
            let expected = format!(
                "class=equity symbol=SPY side={side} quantity=2 type=limit duration=day price=0.01 {TAG}"
            );
            assert_eq!(sent(&ticket(&[("SPY", action)], cents)), Ok(expected));
        }
        let weekly = sent(&ticket(&[("SPXW261218P06400000", SellToOpen)], 1)).expect("a form");
        assert!(weekly.starts_with("class=option symbol=SPX option_symbol=SPXW261218P06400000 "), "{weekly}");
    }

    #[test]
    fn what_cannot_be_said_is_refused_with_the_way_out() {
        use OrderAction::{BuyToOpen, SellToOpen};
        assert_eq!(sent(&ticket(&[(PUT, BuyToOpen)], 150)), Err(Unsendable::Sign { what: "purchase" }));
        assert_eq!(sent(&ticket(&[(PUT, SellToOpen)], -150)), Err(Unsendable::Sign { what: "sale" }));
        assert_eq!(sent(&ticket(&[(PUT, SellToOpen)], 0)), Err(Unsendable::Sign { what: "sale" }));
        let day = chrono::NaiveDate::from_ymd_opt(2026, 12, 1).expect("a date");
        let dated = Ticket { time_in_force: TimeInForce::Gtd(day), ..ticket(&[(PUT, SellToOpen)], 1) };
        assert_eq!(sent(&dated), Err(Unsendable::Date));
        let mut many = ticket(&[("SPY", BuyToOpen)], -1);
        many.legs[0].quantity = 1_001;
        assert_eq!(sent(&many), Err(Unsendable::TooMany));
        assert!(matches!(sent(&ticket(&[("VIX", BuyToOpen)], -1)), Err(Unsendable::Ticket(_))));
    }

    #[test]
    fn a_change_says_its_terms_alone_and_a_preview_the_whole_order() {
        let ticket = ticket(&[(PUT, OrderAction::SellToOpen), (LOW, OrderAction::BuyToOpen)], 145);
        let change = replacement(&ticket).expect("a form");
        assert_eq!(String::from_utf8_lossy(&change.0), "type=credit&duration=day&price=1.45");
        let whole = order(&ticket).expect("a form");
        let asked = previewed(&whole);
        assert!(asked.0.starts_with(&whole.0) && asked.0.ends_with(b"&preview=true"));
    }
}
