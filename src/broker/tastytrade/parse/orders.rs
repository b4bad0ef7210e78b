//! Orders, dry runs and refusals in our words.

use std::collections::HashMap;

use super::super::order_body::action_word;
use super::super::wire::order as wire;
use super::super::wire::{Many, Num, Refusal, Text};
use super::amount::{cash, signed};
use crate::broker::scrub::scrubbed;
use crate::broker::values::{instant, message, order_number, price, units};
use crate::domain::order::{
    BrokerMessage, BrokerOrderId, ComplexReport, DryRun, Fill, FillId, LegReport, NetPrice, OrderAction,
    OrderRefusal, OrderReport, OrderStatus,
};
use crate::domain::text::clean;
use crate::domain::{AccountId, Instrument, Price, Timestamp};

/// Messages of one answer that are kept.
const MOST_MESSAGES: usize = 20;

/// `None` where it is not an order at all: an order has a number. `known` tells the contract behind a symbol.
pub fn report(
    wire: &wire::Order,
    account: AccountId,
    known: impl Fn(&Symbols<'_>) -> Option<Instrument>,
) -> Option<OrderReport> {
    let id = order_number(&wire.id)?;
    let legs = wire.legs.good.iter().map(|leg| leg_report(&id, wire, leg, &known)).collect();
    if wire.legs.bad > 0 {
        tracing::warn!(order = %id, unreadable = wire.legs.bad, "legs of an order could not be read");
    }
    Some(OrderReport {
        account,
        reference: wire.external_identifier.as_str().parse().ok(),
        status: status(wire.status.as_str()),
        legs,
        limit: net_price(&wire.price, &wire.price_effect),
        received_at: instant(&wire.received_at),
        updated_at: instant(&wire.updated_at),
        replaces: order_number(&wire.replaces_order_id),
        replaced_by: order_number(&wire.replacing_order_id),
        complex: order_number(&wire.complex_order_id),
        reject_reason: Some(scrubbed(wire.reject_reason.as_str())).filter(|why| !why.is_empty()),
        id,
    })
}

/// The trigger stands apart or among the others, depending on the kind: each order once.
pub fn complex(
    wire: &wire::ComplexOrder,
    account: AccountId,
    known: impl Fn(&Symbols<'_>) -> Option<Instrument>,
) -> Option<ComplexReport> {
    let id = order_number(&wire.id)?;
    let mut orders: Vec<OrderReport> = Vec::new();
    for order in wire.trigger_order.iter().chain(&wire.orders.good) {
        let Some(mut read) = report(order, account, &known) else { continue };
        read.complex.get_or_insert_with(|| id.clone());
        if orders.iter().all(|other| other.id != read.id) {
            orders.push(read);
        }
    }
    Some(ComplexReport { id, account, orders })
}

/// What an order says about the contract of one leg.
pub struct Symbols<'a> {
    pub kind: &'a str,
    pub symbol: &'a str,
    pub underlying: &'a str,
}

fn leg_report(
    order: &BrokerOrderId,
    wire: &wire::Order,
    leg: &wire::Leg,
    known: &impl Fn(&Symbols<'_>) -> Option<Instrument>,
) -> LegReport {
    let symbol = leg.symbol.as_str();
    let symbols =
        Symbols { kind: leg.instrument_type.as_str(), symbol, underlying: wire.underlying_symbol.as_str() };
    LegReport {
        instrument: known(&symbols),
        action: action(leg.action.as_str()),
        quantity: units(&leg.quantity),
        remaining: units(&leg.remaining_quantity),
        fills: fills(order, symbol, &leg.fills),
    }
}

/// The broker's fill numbers are unique within a leg for certain, and no further; a fill without one is told
/// from its like by its place among them.
fn fills(order: &BrokerOrderId, symbol: &str, wire: &Many<wire::Fill>) -> Vec<Fill> {
    let leg: String = symbol.split_whitespace().collect();
    let mut unread = wire.bad;
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut fills = Vec::with_capacity(wire.good.len());
    for fill in &wire.good {
        let quantity = units(&fill.quantity).filter(|units| !units.is_zero());
        let (Some(quantity), Some(price)) = (quantity, price(&fill.fill_price)) else {
            unread += 1;
            continue;
        };
        let at = instant(&fill.filled_at);
        let named =
            [&fill.fill_id, &fill.ext_exec_id].into_iter().map(Text::as_str).find(|id| !id.is_empty());
        let name = named.map_or_else(
            || {
                let moment = at.map_or(0, |at| at.timestamp_millis());
                let like = format!("{moment}/{quantity}/{price}");
                let place = seen.entry(like.clone()).and_modify(|n| *n += 1).or_insert(1);
                format!("{like}/{place}")
            },
            |id| clean(id, 80),
        );
        let id = FillId(format!("{order}/{}/{name}", clean(&leg, 30)));
        // An update repeats the fills; one that repeats itself is still one.
        if fills.iter().all(|known: &Fill| known.id != id) {
            fills.push(Fill { id, quantity, price, at });
        }
    }
    if unread > 0 {
        tracing::warn!(%order, unread, "fills of an order could not be read");
    }
    fills
}

fn action(word: &str) -> Option<OrderAction> {
    [OrderAction::BuyToOpen, OrderAction::SellToOpen, OrderAction::BuyToClose, OrderAction::SellToClose]
        .into_iter()
        .find(|action| action_word(*action).eq_ignore_ascii_case(word))
}

fn status(word: &str) -> OrderStatus {
    match word {
        "Received" => OrderStatus::Received,
        "Routed" => OrderStatus::Routed,
        "In Flight" => OrderStatus::InFlight,
        "Contingent" => OrderStatus::Contingent,
        "Live" => OrderStatus::Live,
        "Cancel Requested" => OrderStatus::CancelRequested,
        "Replace Requested" => OrderStatus::ReplaceRequested,
        "Remove Pending" => OrderStatus::RemovePending,
        "Filled" => OrderStatus::Filled,
        "Cancelled" | "Canceled" => OrderStatus::Cancelled,
        "Expired" => OrderStatus::Expired,
        "Rejected" => OrderStatus::Rejected,
        // Documented as an end and never seen.
        "Removed" | "Dead" => OrderStatus::Removed,
        "Partially Removed" => OrderStatus::PartiallyRemoved,
        other => OrderStatus::Other(clean(other, 40)),
    }
}

fn net_price(size: &Num, effect: &Text) -> Option<NetPrice> {
    signed(size, effect).filter(|value| Price(value.abs()).is_plausible()).map(NetPrice)
}

pub fn dry_run(wire: &wire::OrderAnswer, body_hash: String, reference: &str, at: Timestamp) -> DryRun {
    let effect = wire.buying_power_effect.clone().unwrap_or_default();
    let fees = wire.fee_calculation.clone().unwrap_or_default();
    let mut warnings = messages(&wire.warnings);
    // The order is found again by it: better known before it is sent.
    let echoed = wire.order.as_ref().map_or("", |order| order.external_identifier.as_str());
    if !echoed.is_empty() && echoed != reference {
        warnings.push(BrokerMessage {
            code: "external_identifier_changed".into(),
            text: "the broker gives back another identifier of the order than it was sent".into(),
        });
    }
    DryRun {
        body_hash,
        at,
        buying_power_change: cash(&effect.change_in_buying_power, &effect.change_in_buying_power_effect),
        buying_power_after: cash(&effect.new_buying_power, &effect.new_buying_power_effect),
        margin_change: cash(
            &effect.change_in_margin_requirement,
            &effect.change_in_margin_requirement_effect,
        ),
        fees: cash(&fees.total_fees, &fees.total_fees_effect),
        warnings,
        errors: messages(&wire.errors),
    }
}

fn messages(wire: &Many<wire::Message>) -> Vec<BrokerMessage> {
    let told = wire.good.iter().map(|one| message(one.code.as_str(), one.message.as_str()));
    let unread =
        (wire.bad > 0).then(|| message("unreadable", "the broker says more, which could not be read"));
    told.take(MOST_MESSAGES).chain(unread).collect()
}

/// A definite no, with every reason the broker gives.
pub fn refusal(status: u16, body: Option<&[u8]>) -> OrderRefusal {
    let refusal = body.and_then(|body| serde_json::from_slice::<Refusal>(body).ok());
    let reasons = refusal.map(|refusal| refusal.reasons()).unwrap_or_default();
    let told = reasons.iter().filter(|(code, text)| !code.is_empty() || !text.is_empty());
    let messages = told.take(MOST_MESSAGES).map(|(code, text)| message(code, text)).collect();
    OrderRefusal { status, messages }
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;
    use crate::broker::tastytrade::parse::contract;

    fn read(json: &str) -> Option<OrderReport> {
        let wire: wire::Order = serde_json::from_str(json).expect("any object is an order");
        let account = AccountId::from_number("tastytrade", "5WX00042");
        report(&wire, account, |named| {
            contract::instrument(named.kind, named.symbol, named.underlying, &Default::default()).ok()
        })
    }

    #[test]
    fn any_field_may_be_missing_null_or_of_the_other_type() {
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"id":0,"status":"Live"}"#), None);
        assert_eq!(read(r#"{"id":"../7"}"#), None);
        let bare = read(r#"{"id":"771201"}"#).expect("an order");
        assert_eq!((bare.id.0.as_str(), bare.status), ("771201", OrderStatus::Other(String::new())));
        let odd = read(
            r#"{"id":771201,"status":null,"price":1.5,"price-effect":"Debit","updated-at":"1795186980190",
               "external-identifier":7,"replaces-order-id":"","replacing-order-id":0,"complex-order-id":56544,
               "reject-reason":{},"legs":[null,7,{"symbol":"SPY   261218P00630000","instrument-type":"Equity Option",
               "quantity":"2.0","remaining-quantity":1,"action":"sell to open","fills":null}]}"#,
        )
        .expect("an order");
        assert_eq!(odd.limit, Some(NetPrice(Decimal::new(-15, 1))));
        assert_eq!(
            (odd.reference, odd.replaces, odd.replaced_by, odd.reject_reason),
            (None, None, None, None)
        );
        assert_eq!(odd.complex, Some(BrokerOrderId("56544".into())));
        let [leg] = &odd.legs[..] else { panic!("{:?}", odd.legs) };
        assert_eq!((leg.quantity, leg.remaining), (Some(Decimal::TWO), Some(Decimal::ONE)));
        assert_eq!(leg.action, Some(OrderAction::SellToOpen));
        assert!(leg.instrument.is_some() && leg.fills.is_empty());
    }

    #[test]
    fn statuses_that_nobody_knows_survive_and_never_end_an_order() {
        use crate::domain::order::Phase;
        assert_eq!(status("Hovering\u{1b}[2J"), OrderStatus::Other("Hovering".into()));
        assert_eq!(status("Hovering").phase(), Phase::Working);
        for end in ["Filled", "Cancelled", "Expired", "Rejected", "Removed", "Partially Removed", "Dead"] {
            assert_eq!(status(end).phase(), Phase::Ended, "{end}");
        }
        for open in
            ["Received", "Routed", "In Flight", "Contingent", "Live", "Cancel Requested", "Remove Pending"]
        {
            assert_ne!(status(open).phase(), Phase::Ended, "{open}");
            assert!(!matches!(status(open), OrderStatus::Other(_)), "{open}");
        }
    }

    #[test]
    fn each_fill_is_itself_across_legs_and_updates_and_half_a_fill_is_none() {
        let leg = |symbol: &str, fills: &str| {
            format!(
                r#"{{"symbol":"{symbol}","instrument-type":"Equity Option","quantity":2,"fills":[{fills}]}}"#
            )
        };
        let one = r#"{"fill-id":"1_SIM","quantity":1,"fill-price":"2.1"}"#;
        let unnamed = r#"{"quantity":"1","fill-price":2.1,"filled-at":"2026-11-20T15:04:00.496+00:00"}"#;
        let half = r#"{"fill-id":"3_SIM","quantity":1}"#;
        let order = |first: &str, second: &str| {
            let legs = [leg("SPY   261218P00630000", first), leg("SPY   261218P00620000", second)].join(",");
            read(&format!(r#"{{"id":5,"status":"Filled","underlying-symbol":"SPY","legs":[{legs}]}}"#))
                .expect("an order")
        };
        let early = order(&format!("{one},{one},{half}"), "");
        assert_eq!(early.legs[0].fills.len(), 1);
        assert!(!early.is_filled(), "the word alone does not fill an order");
        let late = order(&format!("{one},{unnamed},{unnamed}"), &format!("{one},{half}"));
        let ids: Vec<&FillId> = late.legs.iter().flat_map(|leg| &leg.fills).map(|fill| &fill.id).collect();
        let distinct: std::collections::HashSet<_> = ids.iter().collect();
        assert_eq!((ids.len(), distinct.len()), (4, 4), "{ids:?}");
        assert_eq!(ids[0], &early.legs[0].fills[0].id);
    }
}
