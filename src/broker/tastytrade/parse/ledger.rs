//! Customer, transactions, net liq history, margin report, watchlists.

use rust_decimal::Decimal;

use super::amount::{cash, requirement, word};
use crate::broker::scrub::scrubbed;
use crate::broker::tastytrade::wire::{Many, Num, Text, ledger as wire};
use crate::broker::values::{MOST_UNITS, money, order_number, plausible};
use crate::domain::instrument::parse_occ;
use crate::domain::ledger::{
    AssetKind, Customer, Listed, MarginGroup, MarginPosition, MarginReport, MarginStrategy, NetLiqBar,
    Transaction, TransactionKind, Watchlist, WatchlistEntry,
};
use crate::domain::text::clean;
use crate::domain::{Money, Symbol};

/// A name of a list, a group, a strategy.
const LONGEST_NAME: usize = 80;
const LONGEST_SYMBOL: usize = 48;

pub fn customer(wire: &wire::Customer) -> Customer {
    let parts = [&wire.first_name, &wire.middle_name, &wire.last_name];
    let parts: Vec<&str> =
        parts.into_iter().map(|part| part.as_str().trim()).filter(|p| !p.is_empty()).collect();
    Customer {
        name: word(&parts.join(" "), LONGEST_NAME),
        professional: wire.is_professional.0,
        delayed_quotes: wire.has_delayed_quotes.0,
        agreed_to_margin: wire.agreed_to_margining.0,
        since: wire.created_at.0,
    }
}

/// `None` where it has no number: nothing tells it from another one.
pub fn transaction(wire: &wire::Transaction) -> Option<Transaction> {
    Some(Transaction {
        id: order_number(&wire.id)?.0,
        kind: TransactionKind::of(wire.transaction_type.as_str()),
        sub_kind: word(wire.transaction_sub_type.as_str(), LONGEST_NAME),
        description: description(wire),
        symbol: word(wire.symbol.as_str(), LONGEST_SYMBOL),
        asset: AssetKind::of(wire.instrument_type.as_str()),
        underlying: Symbol::new(wire.underlying_symbol.as_str()).ok(),
        quantity: units(&wire.quantity),
        price: plausible(wire.price.0),
        executed_at: wire.executed_at.0,
        date: wire.transaction_date.0,
        value: cash(&wire.value, &wire.value_effect),
        net_value: cash(&wire.net_value, &wire.net_value_effect),
        fees: fees(wire),
        order: order_number(&wire.order_id),
    })
}

/// Transfers name accounts at other houses: they are masked. A contract stays readable.
fn description(wire: &wire::Transaction) -> String {
    let symbol = wire.symbol.as_str();
    match parse_occ(symbol) {
        Ok(parts) => {
            let (root, expiry, strike) = (&parts.root, parts.expiry, parts.strike.normalize());
            let readable = format!("{root} {expiry} {strike}{}", parts.right.letter());
            scrubbed(&wire.description.as_str().replace(symbol, &readable))
        }
        Err(_) => scrubbed(wire.description.as_str()),
    }
}

fn units(wire: &Num) -> Option<Decimal> {
    wire.0.map(|units| units.normalize()).filter(|units| units.abs() <= MOST_UNITS)
}

fn fees(wire: &wire::Transaction) -> Option<Money> {
    let all: [(&Option<Num>, &Text); 6] = [
        (&wire.commission, &wire.commission_effect),
        (&wire.clearing_fees, &wire.clearing_fees_effect),
        (&wire.regulatory_fees, &wire.regulatory_fees_effect),
        (&wire.proprietary_index_option_fees, &wire.proprietary_index_option_fees_effect),
        (&wire.currency_conversion_fees, &wire.currency_conversion_fees_effect),
        (&wire.other_charge, &wire.other_charge_effect),
    ];
    let mut sum = Money::ZERO;
    for (size, effect) in all {
        if let Some(size) = size {
            sum += cash(size, effect)?;
        }
    }
    Some(sum)
}

pub fn total_fees(wire: &wire::TotalFees) -> Option<Money> {
    cash(&wire.total_fees, &wire.total_fees_effect)
}

pub fn net_liq(wire: &wire::NetLiq) -> Option<NetLiqBar> {
    Some(NetLiqBar {
        at: wire.time.0?,
        open: money(&wire.open),
        high: money(&wire.high),
        low: money(&wire.low),
        close: money(&wire.close),
        total_close: money(&wire.total_close),
    })
}

pub fn margin(wire: &wire::MarginReport) -> MarginReport {
    let groups: Vec<MarginGroup> = wire.groups.good.iter().filter_map(group).collect();
    MarginReport {
        calculation: word(wire.margin_calculation_type.as_str(), LONGEST_NAME),
        requirement: requirement(&wire.margin_requirement, &wire.margin_requirement_effect),
        maintenance: requirement(&wire.maintenance_requirement, &wire.maintenance_requirement_effect),
        equity: cash(&wire.margin_equity, &wire.margin_equity_effect),
        option_buying_power: cash(&wire.option_buying_power, &wire.option_buying_power_effect),
        reg_t_requirement: requirement(&wire.reg_t_margin_requirement, &wire.reg_t_margin_requirement_effect),
        maintenance_excess: cash(&wire.maintenance_excess, &wire.maintenance_excess_effect),
        groups,
        unread: wire.groups.bad,
        at: wire.last_state_timestamp.0.filter(|at| at.timestamp_millis() > 0),
    }
}

/// An empty object stands for nothing.
fn group(wire: &wire::MarginGroup) -> Option<MarginGroup> {
    let name =
        [&wire.code, &wire.description].into_iter().find_map(|name| word(name.as_str(), LONGEST_NAME))?;
    let strategy = |inner: &wire::MarginStrategy| {
        let position = |entry: &wire::MarginPosition| {
            let symbol = word(entry.instrument_symbol.as_str(), LONGEST_SYMBOL)?;
            Some(MarginPosition { symbol, quantity: units(&entry.quantity) })
        };
        Some(MarginStrategy {
            name: word(inner.description.as_str(), LONGEST_NAME)?,
            requirement: requirement(&inner.margin_requirement, &inner.margin_requirement_effect),
            maintenance: requirement(&inner.maintenance_requirement, &inner.maintenance_requirement_effect),
            includes_working_order: inner.includes_working_order.0,
            positions: inner.position_entries.good.iter().filter_map(position).collect(),
        })
    };
    Some(MarginGroup {
        name,
        requirement: requirement(&wire.margin_requirement, &wire.margin_requirement_effect),
        maintenance: requirement(&wire.maintenance_requirement, &wire.maintenance_requirement_effect),
        // The meaning of its effect differs between sources: its size is what is known.
        buying_power: money(&wire.buying_power).map(|power| Money(power.0.abs())),
        move_up: wire.price_increase_percent.0,
        move_down: wire.price_decrease_percent.0,
        strategies: wire.groups.good.iter().filter_map(strategy).collect(),
    })
}

/// `None` where it has no name. An entry without a symbol is left out and counted by [`lists`].
pub fn watchlist(wire: &wire::Watchlist) -> Option<(Watchlist, usize)> {
    let entry = |entry: &wire::WatchlistEntry| {
        let symbol = word(entry.symbol.as_str(), LONGEST_SYMBOL)?;
        Some(WatchlistEntry { symbol, asset: AssetKind::of(entry.instrument_type.as_str()) })
    };
    let entries: Vec<WatchlistEntry> = wire.watchlist_entries.good.iter().filter_map(entry).collect();
    let unread = wire.watchlist_entries.good.len() + wire.watchlist_entries.bad - entries.len();
    let name = clean(wire.name.as_str(), LONGEST_NAME);
    let group = word(wire.group_name.as_str(), LONGEST_NAME);
    (!name.is_empty()).then_some((Watchlist { name, group, entries }, unread))
}

/// Lists, with the number of lists and entries that could not be read.
pub fn lists(wire: Many<wire::Watchlist>) -> Listed<Watchlist> {
    let mut unread = wire.bad;
    let mut rows = Vec::with_capacity(wire.good.len());
    for list in &wire.good {
        match watchlist(list) {
            Some((list, entries)) => {
                unread += entries;
                rows.push(list);
            }
            None => unread += 1,
        }
    }
    Listed { rows, unread }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::tastytrade::wire::Items;

    const SOLD: &str = r#"{"id":9001,"account-number":"5CT00001","transaction-type":"Trade",
        "transaction-sub-type":"Sell to Open","description":"Sold 2 SPY 12/18/26 Put 640.00 @ 7.42",
        "symbol":"SPY   261218P00640000","instrument-type":"Equity Option","underlying-symbol":"SPY",
        "quantity":"2.0","price":"7.42","executed-at":"2026-11-03T15:41:08.902Z","transaction-date":"2026-11-03",
        "value":"1484.0","value-effect":"Credit","net-value":"1481.71","net-value-effect":"Credit",
        "commission":"2.0","commission-effect":"Debit","clearing-fees":0.2,"clearing-fees-effect":"Debit",
        "regulatory-fees":"0.09","regulatory-fees-effect":"Debit","proprietary-index-option-fees":"0.0",
        "proprietary-index-option-fees-effect":"None","order-id":771201}"#;

    fn read(json: &str) -> Option<Transaction> {
        transaction(&serde_json::from_str(json).expect("any object is read"))
    }

    fn told(money: Option<Money>) -> Option<String> {
        money.map(|money| money.0.normalize().to_string())
    }

    #[test]
    fn amounts_have_the_sign_of_their_effect_and_fees_are_summed() {
        let sold = read(SOLD).expect("a transaction");
        assert_eq!((sold.id.as_str(), sold.kind), ("9001", Some(TransactionKind::Trade)));
        assert_eq!(told(sold.value), Some("1484".into()));
        assert_eq!(told(sold.fees), Some("-2.29".into()));
        assert_eq!(told(sold.net_value), Some("1481.71".into()));
        assert_eq!(sold.order.map(|order| order.0), Some("771201".into()));
        let bought = read(&SOLD.replace("\"value-effect\":\"Credit\"", "\"value-effect\":\"Debit\""));
        assert_eq!(told(bought.expect("a transaction").value), Some("-1484".into()));
    }

    #[test]
    fn what_is_missing_null_or_of_another_type_is_unknown_not_nought() {
        assert_eq!(read("{}"), None, "without its number it is nothing");
        let bare =
            read(r#"{"id":"7","value":"27.74","quantity":null,"price":"NaN"}"#).expect("a number is enough");
        assert_eq!((bare.value, bare.quantity, bare.price), (None, None, None));
        assert_eq!(bare.fees, Some(Money::ZERO), "no fee was named");
        let odd = read(&SOLD.replace("\"2.0\",\"commission-effect\"", "\"NaN\",\"commission-effect\""));
        assert_eq!(odd.expect("a transaction").fees, None, "a fee that cannot be read is not nought");
        let odd = read(&SOLD.replace("\"None\"", "\"Sideways\"")).expect("a transaction");
        assert_eq!(told(odd.fees), Some("-2.29".into()), "nought has no side");
        let new = read(&SOLD.replace("\"Trade\"", "\"Token Drop\"")).expect("a transaction");
        assert_eq!(new.kind, Some(TransactionKind::Other("Token Drop".into())));
    }

    #[test]
    fn an_account_named_in_a_description_is_masked() {
        let moved = read(r#"{"id":8,"description":"ACAT from 5WX00042 at another house"}"#).expect("a line");
        assert_eq!(moved.description, "ACAT from …0042 at another house");
        let sold = SOLD.replace("SPY 12/18/26 Put 640.00", "SPY   261218P00640000");
        assert_eq!(read(&sold).expect("a line").description, "Sold 2 SPY 2026-12-18 640P @ 7.42");
    }

    #[test]
    fn the_worth_of_a_day_reads_in_either_spelling() {
        for json in [
            r#"{"open":"1","close":51233.1,"total-close":"51233.1","time":"2026-11-19T21:00:00Z"}"#,
            r#"{"open":1,"close":"51233.1","totalClose":51233.1,"time":"2026-11-19T16:00:00-05:00[America/New_York]"}"#,
            r#"{"open":1,"close":"51233.1","totalClose":51233.1,"time":1795122000000,"pendingCashClose":0}"#,
        ] {
            let bar = net_liq(&serde_json::from_str(json).expect("an object")).expect("a bar");
            assert_eq!(bar.at.to_rfc3339(), "2026-11-19T21:00:00+00:00", "{json}");
            assert_eq!((told(bar.close), bar.high), (Some("51233.1".into()), None));
            assert_eq!(bar.total_close, bar.close);
        }
        assert_eq!(net_liq(&serde_json::from_str(r#"{"close":"1"}"#).expect("an object")), None);
    }

    #[test]
    fn requirements_are_positive_and_empty_groups_are_nothing() {
        let json = r#"{"margin-requirement":"10623.1","margin-requirement-effect":"Debit","margin-equity":"5",
            "margin-equity-effect":"Debit","option-buying-power":"NaN","last-state-timestamp":1795185731208,
            "groups":[{},{"code":"SPY","margin-requirement":600,"margin-requirement-effect":"Debit",
              "buying-power":"600","buying-power-effect":"Credit","groups":[{},{"description":"SHORT_OPTION",
              "position-entries":[{"instrument-symbol":"SPY   261218P00640000","quantity":"-2.0","fixing-price":"NaN"}]}]},
              "rubbish"]}"#;
        let report = margin(&serde_json::from_str(json).expect("a report"));
        assert_eq!(told(report.requirement), Some("10623.1".into()));
        assert_eq!((told(report.equity), report.option_buying_power), (Some("-5".into()), None));
        assert_eq!((report.groups.len(), report.unread), (1, 1));
        let [strategy] = &report.groups[0].strategies[..] else { panic!("{report:?}") };
        assert_eq!(strategy.name, "SHORT_OPTION");
        assert_eq!(strategy.positions[0].quantity, Some(Decimal::from(-2)));
        assert_eq!(told(report.groups[0].buying_power), Some("600".into()));
        let nothing = margin(&serde_json::from_str("{}").expect("a report"));
        assert_eq!(nothing, MarginReport::default());
    }

    #[test]
    fn lists_keep_what_they_can_and_count_the_rest() {
        let json = r#"{"items":[{"name":"Core","watchlist-entries":[{"symbol":"SPY","instrument-type":"Equity"},{}]},
            {"group-name":"nameless"},{"name":"Counts","watchlist-entries":null},7]}"#;
        let read: Items<wire::Watchlist> = serde_json::from_str(json).expect("lists");
        let lists = lists(read.items);
        assert_eq!((lists.rows.len(), lists.unread), (2, 3));
        assert_eq!(lists.rows[0].entries.len(), 1);
    }

    #[test]
    fn of_a_person_the_name_alone_is_read() {
        let json = r#"{"first-name":"Ada","last-name":" Lovelace\u001b[2J","birth-date":"1815-12-10",
            "email":"ada@example.invalid","is-professional":"false"}"#;
        let ada = customer(&serde_json::from_str(json).expect("a customer"));
        assert_eq!(ada.name.as_deref(), Some("Ada Lovelace"));
        assert_eq!((ada.professional, ada.delayed_quotes), (Some(false), None));
        let told = format!("{ada:?}{}", serde_json::to_string(&ada).expect("json"));
        assert!(!told.contains("1815") && !told.contains("example.invalid"));
    }
}
