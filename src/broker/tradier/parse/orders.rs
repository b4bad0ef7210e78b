//! Orders, previews and refusals in our words.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::Value;

use crate::broker::fields::{Many, Num};
use crate::broker::scrub::scrubbed;
use crate::broker::tradier::wire;
use crate::broker::values::{instant, message, money, order_number, price, units};
use crate::domain::order::{
    BrokerOrderId, DryRun, Fill, FillId, LegReport, NetPrice, OrderAction, OrderRefusal, OrderReport,
    OrderStatus,
};
use crate::domain::text::clean;
use crate::domain::{AccountId, Balances, Money, Price, Timestamp};

/// Messages of one answer that are kept.
const MOST_MESSAGES: usize = 20;
/// Units of a leg that fills are told of one by one; our own orders have fewer.
pub const MOST_TOLD_UNITS: u32 = 1_000;

/// `None` where it is not an order at all, or a leg of it cannot be read: half an order is none.
pub fn report(wire: &wire::Order, account: AccountId) -> Option<OrderReport> {
    let id = order_number(&wire.id)?;
    let legs: Many<wire::Order> = wire::many(wire.leg.clone());
    if legs.bad > 0 {
        return None;
    }
    let legs = if legs.good.is_empty() {
        vec![leg_report(&id, wire)]
    } else {
        legs.good.iter().map(|leg| leg_report(&id, leg)).collect()
    };
    Some(OrderReport {
        account,
        reference: wire.tag.as_str().parse().ok(),
        status: status(wire.status.as_str()),
        legs,
        limit: net_price(wire),
        received_at: instant(&wire.create_date),
        updated_at: instant(&wire.transaction_date),
        // A change keeps the number.
        replaces: None,
        replaced_by: None,
        complex: None,
        reject_reason: Some(scrubbed(wire.reason_description.as_str())).filter(|why| !why.is_empty()),
        id,
    })
}

/// An order that was just taken: the answer tells its number and nothing of its state.
pub fn taken(id: BrokerOrderId, account: AccountId, status: OrderStatus) -> OrderReport {
    OrderReport {
        id,
        account,
        reference: None,
        status,
        legs: Vec::new(),
        limit: None,
        received_at: None,
        updated_at: None,
        replaces: None,
        replaced_by: None,
        complex: None,
        reject_reason: None,
    }
}

/// The number of the order in an answer that says it was taken.
pub fn taken_number(body: &[u8]) -> Option<BrokerOrderId> {
    let taken: wire::Taken = wire::one(serde_json::from_slice(body).ok()?, "order")?;
    order_number(&taken.id).filter(|_| taken.status.as_str().eq_ignore_ascii_case("ok"))
}

fn leg_report(order: &BrokerOrderId, wire: &wire::Order) -> LegReport {
    let named = [&wire.option_symbol, &wire.symbol].into_iter().find(|text| !text.as_str().is_empty());
    let symbol = named.map_or("", |text| text.as_str());
    LegReport {
        instrument: super::instrument(symbol),
        action: action(wire.side.as_str()),
        quantity: units(&wire.quantity),
        remaining: units(&wire.remaining_quantity),
        fills: fills(order, symbol, wire),
    }
}

/// Tradier tells how much is filled and at which average, not the fills, and gives them no names. So that each unit
/// is booked once, however the reports follow each other and whoever has forgotten what, every unit is a fill of its
/// own: the n-th one of a leg. Those of the last fill have its price, the ones before it the average of the rest.
fn fills(order: &BrokerOrderId, symbol: &str, wire: &wire::Order) -> Vec<Fill> {
    let filled = units(&wire.exec_quantity).filter(|units| !units.is_zero());
    let (Some(filled), Some(average)) = (filled, price(&wire.avg_fill_price)) else { return Vec::new() };
    let at = instant(&wire.transaction_date);
    let leg = clean(symbol, 30);
    let whole = filled.to_u32().filter(|n| Decimal::from(*n) == filled && *n <= MOST_TOLD_UNITS);
    let Some(count) = whole else {
        // Somebody else's: parts of shares, or very many.
        let id = FillId(format!("{order}/{leg}/{filled}"));
        return vec![Fill { id, quantity: filled, price: average, at }];
    };
    let (earlier, earlier_price, last_price) =
        split(filled, average, wire).unwrap_or((filled, average, average));
    (1..=count)
        .map(|n| Fill {
            id: FillId(format!("{order}/{leg}/{n}")),
            quantity: Decimal::ONE,
            price: if Decimal::from(n) <= earlier { earlier_price } else { last_price },
            at,
        })
        .collect()
}

/// Units before the last fill, their price, and the last fill's; `None` where these do not make up the average.
fn split(filled: Decimal, average: Price, wire: &wire::Order) -> Option<(Decimal, Price, Price)> {
    let last = units(&wire.last_fill_quantity).filter(|last| !last.is_zero() && *last < filled)?;
    let last_price = price(&wire.last_fill_price)?;
    let earlier = filled - last;
    let paid = average.0.checked_mul(filled)?.checked_sub(last_price.0.checked_mul(last)?)?;
    let earlier_price = Price(paid.checked_div(earlier)?.round_dp(8).normalize());
    earlier_price.is_plausible().then_some((earlier, earlier_price, last_price))
}

pub const SIDES: [(&str, OrderAction); 8] = [
    ("buy_to_open", OrderAction::BuyToOpen),
    ("sell_to_open", OrderAction::SellToOpen),
    ("buy_to_close", OrderAction::BuyToClose),
    ("sell_to_close", OrderAction::SellToClose),
    ("buy", OrderAction::BuyToOpen),
    ("sell_short", OrderAction::SellToOpen),
    ("buy_to_cover", OrderAction::BuyToClose),
    ("sell", OrderAction::SellToClose),
];

fn action(word: &str) -> Option<OrderAction> {
    SIDES.iter().find(|(side, _)| *side == word).map(|(_, action)| *action)
}

fn status(word: &str) -> OrderStatus {
    match word {
        "open" | "partially_filled" => OrderStatus::Live,
        "pending" => OrderStatus::InFlight,
        "filled" => OrderStatus::Filled,
        "canceled" | "cancelled" => OrderStatus::Cancelled,
        "expired" => OrderStatus::Expired,
        "rejected" => OrderStatus::Rejected,
        // `error` among them: whether it ends an order is not documented.
        other => OrderStatus::Other(clean(other, 40)),
    }
}

/// Of several legs the type has the sign; of one leg the side has it.
fn net_price(wire: &wire::Order) -> Option<NetPrice> {
    let size = price(&wire.price)?.0;
    let value = match wire.kind.as_str() {
        "credit" => size,
        "debit" => -size,
        "even" => Decimal::ZERO,
        "limit" if action(wire.side.as_str())?.is_buy() => -size,
        "limit" => size,
        _ => return None,
    };
    Some(NetPrice(value.normalize()))
}

/// `before` is what the account had just now: the preview does not tell what buying power is left.
pub fn dry_run(wire: &wire::Preview, before: Option<Money>, body_hash: String, at: Timestamp) -> DryRun {
    let negative = |money: Money| Money(-money.0);
    let margin = money(&wire.margin_change);
    let change = money(&wire.cost).zip(margin).map(|(cost, margin)| Money(-(cost.0 + margin.0)));
    let fees = [&wire.commission, &wire.fees].map(|fee| fee.0);
    let fees = fees.iter().any(Option::is_some).then(|| fees.into_iter().flatten().sum::<Decimal>());
    let derived =
        "Tradier tells cost and margin; the buying power after it is our sum of them and what is there now";
    DryRun {
        body_hash,
        at,
        buying_power_change: change,
        buying_power_after: before.zip(change).map(|(before, change)| Money(before.0 + change.0)),
        margin_change: margin.map(negative),
        fees: fees.map(|fees| Money(-fees)),
        warnings: vec![message("derived_buying_power", derived)],
        errors: Vec::new(),
    }
}

pub fn buying_power(balances: Option<Balances>) -> Option<Money> {
    balances.and_then(|balances| balances.buying_power)
}

/// A definite no, with every reason the broker gives: a list in JSON, or bare words.
pub fn refusal(status: u16, body: Option<&[u8]>) -> OrderRefusal {
    let reasons = body.map(|body| match serde_json::from_slice::<Value>(body) {
        Ok(value) => wire::Refusal::of(&value).map(|refusal| refusal.0).unwrap_or_default(),
        Err(_) => std::str::from_utf8(body)
            .ok()
            .filter(|text| !text.contains('<') && !text.trim().is_empty())
            .map(|text| vec![text.to_owned()])
            .unwrap_or_default(),
    });
    let reasons = reasons.unwrap_or_default();
    OrderRefusal {
        status,
        messages: reasons.iter().take(MOST_MESSAGES).map(|text| message("", text)).collect(),
    }
}

/// The answer of success that is none: systems behind the API refuse with a 200.
pub fn refused_with_success(body: Option<&[u8]>) -> Option<OrderRefusal> {
    let value: Value = serde_json::from_slice(body?).ok()?;
    wire::Refusal::of(&value)?;
    Some(refusal(200, body))
}

/// Whether the broker says that it previewed the order.
pub fn is_previewed(wire: &wire::Preview) -> bool {
    wire.status.as_str().eq_ignore_ascii_case("ok") && Num::f64(&wire.cost).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::order::Phase;

    fn read(json: &str) -> Option<OrderReport> {
        report(
            &serde_json::from_str(json).expect("any object is an order"),
            AccountId::from_number("tradier", "1"),
        )
    }

    const SPREAD: &str = r#"{"id":229063,"type":"credit","symbol":"SPY","side":"sell","quantity":2.00000000,
        "status":"partially_filled","duration":"day","price":1.5,"avg_fill_price":0,"exec_quantity":0,
        "create_date":"2026-11-20T15:13:36.076Z","transaction_date":"2026-11-20T15:18:41.604Z","class":"multileg",
        "num_legs":2,"strategy":"spread","tag":"0190f7c2-6f1e-7c55-8f4e-2b6a7b1d9c10","leg":[
        {"id":229064,"type":"credit","symbol":"SPY","side":"sell_to_open","quantity":2,"exec_quantity":1,
         "avg_fill_price":"3.10","last_fill_price":3.1,"last_fill_quantity":1,"remaining_quantity":1,
         "status":"partially_filled","class":"option","option_symbol":"SPY261218P00630000"},
        {"id":229065,"symbol":"SPY","side":"buy_to_open","quantity":2,"exec_quantity":2,"avg_fill_price":1.55,
         "last_fill_price":1.5,"last_fill_quantity":1,"status":"filled","class":"option",
         "option_symbol":"SPY261218P00620000"}]}"#;

    #[test]
    fn each_unit_of_each_leg_is_a_fill_that_keeps_its_name_and_price() {
        let order = read(SPREAD).expect("an order");
        assert_eq!((&order.status, order.limit), (&OrderStatus::Live, Some(NetPrice(Decimal::new(15, 1)))));
        assert!(order.reference.is_some() && order.received_at.is_some());
        let told = |leg: &LegReport| -> Vec<_> {
            leg.fills.iter().map(|fill| (fill.id.0.clone(), fill.price.to_string())).collect()
        };
        assert_eq!(told(&order.legs[0]), [("229063/SPY261218P00630000/1".into(), "3.1".into())]);
        assert_eq!(
            told(&order.legs[1]),
            [
                ("229063/SPY261218P00620000/1".into(), "1.6".into()),
                ("229063/SPY261218P00620000/2".into(), "1.5".into())
            ]
        );
        let later = SPREAD.replace(
            r#""exec_quantity":1,
         "avg_fill_price":"3.10","last_fill_price":3.1,"last_fill_quantity":1"#,
            r#""exec_quantity":2,
         "avg_fill_price":"3.05","last_fill_price":3.0,"last_fill_quantity":1"#,
        );
        assert_ne!(later, SPREAD);
        let later = read(&later).expect("an order");
        assert_eq!(later.legs[0].fills[0].id, order.legs[0].fills[0].id);
        assert_eq!(later.legs[0].fills[0].price, order.legs[0].fills[0].price);
        assert_eq!(later.legs[0].fills[1].price.to_string(), "3");
        assert!(later.is_filled() && !order.is_filled());
    }

    #[test]
    fn what_no_order_of_ours_fills_is_one_fill() {
        let parts = read(
            r#"{"id":1,"class":"equity","symbol":"SPY","side":"buy","type":"limit","price":"2","quantity":1.5,
               "exec_quantity":1.5,"avg_fill_price":2,"leg":"null"}"#,
        )
        .expect("an order");
        let [leg] = &parts.legs[..] else { panic!("{parts:?}") };
        assert_eq!((leg.fills.len(), parts.limit), (1, Some(NetPrice(Decimal::from(-2)))));
        let many = read(r#"{"id":1,"symbol":"SPY","quantity":5000,"exec_quantity":5000,"avg_fill_price":2}"#);
        assert_eq!(many.expect("an order").legs[0].fills.len(), 1);
    }

    #[test]
    fn any_field_may_be_missing_null_or_of_the_other_type_and_half_an_order_is_none() {
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"id":"../7"}"#), None);
        assert_eq!(read(&SPREAD.replace(r#"{"id":229064"#, r#"7,{"id":229064"#)), None);
        let bare = read(r#"{"id":"7","status":null,"price":"NaN","tag":7,"leg":null}"#).expect("an order");
        assert_eq!(
            (bare.status, bare.limit, bare.reference),
            (OrderStatus::Other(String::new()), None, None)
        );
        let one = read(
            r#"{"id":7,"leg":{"option_symbol":"SPY261218P00620000","side":"buy_to_close","quantity":"1"}}"#,
        );
        let one = one.expect("an order");
        assert_eq!((one.legs.len(), one.legs[0].action), (1, Some(OrderAction::BuyToClose)));
    }

    #[test]
    fn statuses_that_nobody_knows_survive_and_never_end_an_order() {
        assert_eq!(status("error").phase(), Phase::Working);
        assert_eq!(status("held\u{1b}[2J"), OrderStatus::Other("held".into()));
        for end in ["filled", "canceled", "expired", "rejected"] {
            assert_eq!(status(end).phase(), Phase::Ended, "{end}");
        }
    }

    #[test]
    fn a_preview_takes_cost_and_margin_from_what_is_there() {
        let wire: wire::Preview = serde_json::from_str(
            r#"{"status":"ok","commission":0.70,"cost":-149.30,"fees":"0","order_cost":-150.0,"margin_change":500,
               "result":true}"#,
        )
        .expect("a preview");
        let now = chrono::DateTime::from_timestamp_millis(0).expect("an instant");
        let money = |value: Option<Money>| value.map(|money| money.0.normalize().to_string());
        let run = dry_run(&wire, Some(Money(Decimal::from(1_000))), "hash".into(), now);
        assert_eq!(money(run.buying_power_change), Some("-350.7".into()));
        assert_eq!(money(run.buying_power_after), Some("649.3".into()));
        assert_eq!((money(run.fees), money(run.margin_change)), (Some("-0.7".into()), Some("-500".into())));
        assert_eq!(run.warnings.len(), 1);
        assert_eq!(dry_run(&wire, None, "hash".into(), now).buying_power_after, None);
        assert!(is_previewed(&wire) && !is_previewed(&wire::Preview::default()));
    }
}
