//! `account`: what the broker keeps about the accounts. Everything is read when it is asked for, nothing is kept.

use std::fmt::Write;

use chrono::Days;
use serde_json::{Value, json};

use super::connection::{Connection, Reached, incomplete, now_at, trouble};
use super::table::{Side, Table, UNKNOWN, dollars, minute, percent};
use crate::broker::{Broker, BrokerError, Ledger, Records};
use crate::cli::args::{AccountArgs, AccountWhat};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::domain::ledger::{MarginReport, NetLiqBar, Transaction, Watchlist, WatchlistOwner};
use crate::domain::report::{AccountReport, TradingStatus};
use crate::domain::time::{new_york_date, to_new_york};
use crate::domain::{Account, Money, TradingDate};

const DAYS_BACK: u64 = 30;
/// Symbols of a list that are shown where lists are.
const SYMBOLS_SHOWN: usize = 12;

/// What is printed: words for people, a document for programs, and how whole it is.
struct Told {
    text: String,
    document: Value,
    /// The first thing that could not be read.
    missing: Option<Trouble>,
}

pub async fn run(setting: Setting, args: AccountArgs) -> Result<Exit, Trouble> {
    let connection = Connection::open(&setting).await?;
    let told = match &connection.broker {
        Reached::Tastytrade(broker) => look(&**broker, &args).await,
        Reached::Tradier(broker) => look(&**broker, &args).await,
    };
    connection.close().await;
    let mut told = told?;
    if args.json {
        told.document["mode"] = setting.mode().badge().to_lowercase().into();
        super::print_json(&told.document)?;
    } else {
        super::print(&told.text)?;
    }
    told.missing.map_or(Ok(Exit::Ok), Err)
}

async fn look(broker: &(impl Broker + Records + Ledger), args: &AccountArgs) -> Result<Told, Trouble> {
    if let Some(AccountWhat::Watchlists { name, public }) = &args.what {
        let owner = if *public { WatchlistOwner::Broker } else { WatchlistOwner::Own };
        return watchlists(broker, owner, name.as_deref()).await;
    }
    let report = broker.accounts().await.map_err(|error| trouble(&error))?;
    let mut held = report.accounts;
    if let Some(tail) = &args.account {
        let tail = tail.trim_start_matches('…');
        let is_it = |held: &AccountReport| !tail.is_empty() && held.account.masked_number.ends_with(tail);
        let all: Vec<String> = held.iter().map(|held| held.account.masked_number.clone()).collect();
        held.retain(is_it);
        if held.is_empty() {
            let tail = crate::domain::text::clean(tail, 24);
            return Err(Trouble::failed(format!("no account's number ends in {tail:?}"))
                .with_remedy(format!("there are {}", all.join(", "))));
        }
    }
    let today = new_york_date(now_at(broker));
    let since = |asked: Option<TradingDate>| asked.unwrap_or(today - Days::new(DAYS_BACK));
    match &args.what {
        None => Ok(overview(broker, &held).await),
        Some(AccountWhat::Transactions(args)) => {
            each(&held, async |account| transactions(broker, account, since(args.since), today).await).await
        }
        Some(AccountWhat::NetLiq(args)) => {
            each(&held, async |account| net_liq(broker, account, since(args.since)).await).await
        }
        Some(AccountWhat::Margin) => each(&held, async |account| margin(broker, account).await).await,
        Some(AccountWhat::Watchlists { .. }) => Err(Trouble::failed("lists belong to no account")),
    }
}

/// One part for each account; what cannot be read stands in its place, and is the way it ends.
async fn each(
    held: &[AccountReport],
    read: impl AsyncFn(&Account) -> Result<(String, Value), BrokerError>,
) -> Result<Told, Trouble> {
    let mut told = Told { text: String::new(), document: json!({}), missing: None };
    let mut parts = Vec::with_capacity(held.len());
    for AccountReport { account, .. } in held {
        let head = format!("{}  {}", account.masked_number, account.nickname);
        // Writing to a String does not fail.
        match read(account).await {
            Ok((text, mut document)) => {
                let _ = write!(told.text, "{head}\n{text}");
                document["account"] = account.masked_number.as_str().into();
                parts.push(document);
            }
            Err(error) => {
                let _ = writeln!(told.text, "{head}\n{error}");
                parts.push(json!({ "account": account.masked_number, "error": error.to_string() }));
                told.missing.get_or_insert(incomplete(&error));
            }
        }
    }
    if held.is_empty() {
        told.text.push_str("no open account\n");
    }
    told.document["accounts"] = parts.into();
    Ok(told)
}

async fn overview(broker: &(impl Records + Ledger), held: &[AccountReport]) -> Told {
    let mut missing = None;
    let customer = match broker.customer().await {
        Ok(customer) => Some(customer),
        Err(BrokerError::NotRead { .. } | BrokerError::NotOffered { .. }) => None,
        Err(error) => {
            missing.get_or_insert(incomplete(&error));
            None
        }
    };
    let mut text = String::new();
    if let Some(customer) = &customer {
        let name = customer.name.as_deref().unwrap_or(UNKNOWN);
        let since = customer.since.map_or(String::new(), |at| format!(", since {}", new_york_date(at)));
        let professional = if customer.professional == Some(true) { ", professional" } else { "" };
        let delayed = if customer.delayed_quotes == Some(true) { ", delayed quotes" } else { "" };
        let _ = writeln!(text, "customer {name}{since}{professional}{delayed}");
    }
    let mut table = Table::new(&[
        ("account", Side::Left),
        ("name", Side::Left),
        ("kind", Side::Left),
        ("net liq", Side::Right),
        ("cash", Side::Right),
        ("buying power", Side::Right),
        ("required", Side::Right),
        ("may", Side::Left),
    ]);
    let mut rows = Vec::with_capacity(held.len());
    for AccountReport { account, balances, positions, unread } in held {
        let status = broker.trading_status(account.id).await;
        let figure = |of: fn(&crate::domain::Balances) -> Option<Money>| balances.as_ref().and_then(of);
        table.row(vec![
            account.masked_number.clone(),
            account.nickname.clone(),
            format!("{:?}", account.kind).to_lowercase(),
            dollars(figure(|b| b.net_liq)),
            dollars(figure(|b| b.cash)),
            dollars(figure(|b| b.buying_power)),
            dollars(figure(|b| b.requirement)),
            status.as_ref().map_or(UNKNOWN.to_owned(), may),
        ]);
        rows.push(json!({
            "account": account.masked_number, "name": account.nickname, "kind": account.kind, "balances": balances,
            "positions": positions.as_ref().map(Vec::len), "unread_positions": unread,
            "status": status.as_ref().ok().map(status_json),
        }));
        if let Err(error) = status {
            missing.get_or_insert(incomplete(&error));
        }
    }
    if held.is_empty() {
        text.push_str("no open account\n");
    } else {
        text.push_str(&table.text());
    }
    Told { text, document: json!({ "customer": customer, "accounts": rows }), missing }
}

fn may(status: &TradingStatus) -> String {
    if let Some(why) = status.obstacle() {
        return why.to_owned();
    }
    let calls = match status.short_calls {
        Some(false) => ", no short calls",
        _ => "",
    };
    format!("{}{calls}", status.options_level.as_deref().unwrap_or(UNKNOWN))
}

fn status_json(status: &TradingStatus) -> Value {
    json!({
        "obstacle": status.obstacle(), "options_level": status.options_level, "short_calls": status.short_calls,
        "closed": status.closed, "frozen": status.frozen, "closing_only": status.closing_only,
        "risk_reducing_only": status.risk_reducing_only, "margin_call": status.margin_call,
        "pattern_day_trader": status.pattern_day_trader, "day_trades": status.day_trades,
    })
}

async fn transactions(
    broker: &impl Ledger,
    account: &Account,
    since: TradingDate,
    today: TradingDate,
) -> Result<(String, Value), BrokerError> {
    let rows = broker.transactions(account.id, since).await?;
    let fees_today = broker.fees_of_day(account.id, today).await?;
    let mut table = Table::new(&[
        ("executed (ET)", Side::Left),
        ("what", Side::Left),
        ("", Side::Left),
        ("fees", Side::Right),
        ("net", Side::Right),
    ]);
    for row in &rows {
        let when = row.executed_at.map(minute).or_else(|| row.date.map(|date| date.to_string()));
        let kind = row.kind.as_ref().map_or(UNKNOWN, |kind| kind.word());
        table.row(vec![
            when.unwrap_or_else(|| UNKNOWN.to_owned()),
            row.sub_kind.clone().unwrap_or_else(|| kind.to_owned()),
            row.description.clone(),
            dollars(row.fees),
            dollars(row.net_value),
        ]);
    }
    let (net, fees) = (sum(&rows, |row| row.net_value), sum(&rows, |row| row.fees));
    let mut text = if rows.is_empty() { String::new() } else { table.text() };
    let _ = writeln!(
        text,
        "{} since {since}: net {}, fees in it {}; fees today {}",
        if rows.len() == 1 { "1 transaction".to_owned() } else { format!("{} transactions", rows.len()) },
        dollars(net),
        dollars(fees),
        dollars(fees_today),
    );
    let document = json!({
        "since": since, "transactions": rows, "net": net, "fees": fees, "fees_today": fees_today
    });
    Ok((text, document))
}

/// `None` where one of them is unknown: a sum without it would be another one.
fn sum(rows: &[Transaction], of: impl Fn(&Transaction) -> Option<Money>) -> Option<Money> {
    rows.iter().map(of).sum()
}

async fn net_liq(
    broker: &impl Ledger,
    account: &Account,
    since: TradingDate,
) -> Result<(String, Value), BrokerError> {
    let history = broker.net_liq_history(account.id, since).await?;
    let mut table = Table::new(&[
        ("day", Side::Left),
        ("open", Side::Right),
        ("high", Side::Right),
        ("low", Side::Right),
        ("close", Side::Right),
        ("change", Side::Right),
    ]);
    let mut before: Option<Money> = None;
    for bar in &history.rows {
        let change = before.zip(bar.close).map(|(before, close)| close - before);
        table.row(vec![
            to_new_york(bar.at).date().to_string(),
            dollars(bar.open),
            dollars(bar.high),
            dollars(bar.low),
            dollars(bar.close),
            if before.is_none() { String::new() } else { dollars(change) },
        ]);
        before = bar.close.or(before);
    }
    let mut text = if history.rows.is_empty() { String::new() } else { table.text() };
    let change = whole_change(&history.rows);
    let _ = match history.rows.len() {
        0 => writeln!(text, "no history since {since}"),
        _ => writeln!(text, "change since {since}: {}", dollars(change)),
    };
    if history.unread > 0 {
        let _ = writeln!(text, "{} could not be read", history.unread);
    }
    let document =
        json!({ "since": since, "bars": history.rows, "change": change, "unread": history.unread });
    Ok((text, document))
}

fn whole_change(bars: &[NetLiqBar]) -> Option<Money> {
    let (first, last) = (bars.first()?, bars.last()?);
    Some(last.close? - first.open.or(first.close)?)
}

async fn margin(broker: &impl Ledger, account: &Account) -> Result<(String, Value), BrokerError> {
    let report = broker.margin(account.id).await?;
    let MarginReport { calculation, requirement, maintenance, equity, .. } = &report;
    let mut text = format!(
        "{}: required {}, maintenance {}, equity {}, excess {}, option buying power {}\n",
        calculation.as_deref().unwrap_or(UNKNOWN),
        dollars(*requirement),
        dollars(*maintenance),
        dollars(*equity),
        dollars(report.maintenance_excess),
        dollars(report.option_buying_power),
    );
    let mut table = Table::new(&[
        ("underlying", Side::Left),
        ("required", Side::Right),
        ("maintenance", Side::Right),
        ("for moves of", Side::Left),
        ("taken for", Side::Left),
    ]);
    for group in &report.groups {
        use rust_decimal::prelude::ToPrimitive;
        let share = |fraction: Option<rust_decimal::Decimal>| percent(fraction.and_then(|f| f.to_f64()));
        let moves = match (group.move_down, group.move_up) {
            (None, None) => String::new(),
            (down, up) => format!("{} … {}", share(down), share(up)),
        };
        let strategies: Vec<String> = group
            .strategies
            .iter()
            .map(|one| format!("{} ({})", one.name.to_lowercase().replace('_', " "), one.positions.len()))
            .collect();
        table.row(vec![
            group.name.clone(),
            dollars(group.requirement),
            dollars(group.maintenance),
            moves,
            strategies.join(", "),
        ]);
    }
    if !report.groups.is_empty() {
        text.push_str(&table.text());
    }
    if report.unread > 0 {
        let _ = writeln!(text, "{} groups could not be read; the sums hold them", report.unread);
    }
    Ok((text, json!({ "margin": report })))
}

async fn watchlists(
    broker: &impl Ledger,
    owner: WatchlistOwner,
    name: Option<&str>,
) -> Result<Told, Trouble> {
    let (lists, unread) = match name {
        Some(name) => (vec![broker.watchlist(owner, name).await.map_err(|error| trouble(&error))?], 0),
        None => {
            let read = broker.watchlists(owner).await.map_err(|error| trouble(&error))?;
            (read.rows, read.unread)
        }
    };
    let mut text = String::new();
    for list in &lists {
        let _ =
            writeln!(text, "{}", list_line(list, if name.is_some() { usize::MAX } else { SYMBOLS_SHOWN }));
    }
    if lists.is_empty() {
        let other = if owner == WatchlistOwner::Own { "; --public shows the broker's" } else { "" };
        let _ = writeln!(text, "no watchlist{other}");
    }
    if unread > 0 {
        let _ = writeln!(text, "{unread} lists or entries could not be read");
    }
    Ok(Told { text, document: json!({ "watchlists": lists, "unread": unread }), missing: None })
}

fn list_line(list: &Watchlist, most: usize) -> String {
    let shown: Vec<&str> = list.entries.iter().take(most).map(|entry| entry.symbol.as_str()).collect();
    let more = list.entries.len().saturating_sub(most);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{} ({}): {}{more}", list.name, list.entries.len(), shown.join(" "))
}
