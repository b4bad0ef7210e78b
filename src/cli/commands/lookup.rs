//! `lookup`: what the broker lists. One symbol in full, several in a table, one contract by its OCC symbol.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use chrono::Months;
use serde::Serialize;
use serde_json::{Value, json};

use super::connection::{Connection, Reached, incomplete, now_at, trouble};
use super::table::{Side, Table, UNKNOWN, percent};
use crate::broker::{Broker, BrokerError, Catalogue};
use crate::cli::args::LookupArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::domain::instrument::{parse_occ, style_of_root};
use crate::domain::ledger::Listed;
use crate::domain::listing::{
    EquityDetails, ExpirationKind, Increment, OptionDetails, PastDividend, PastEarnings,
};
use crate::domain::symbol_forms::settlement_of_root;
use crate::domain::time::{days_to, new_york_date};
use crate::domain::{ExerciseStyle, Instrument, OptionContract, Settlement, Symbol, Timestamp, TradingDate};
use crate::market::update::{MarketUpdate, OptionChain, UnderlyingMetrics};

/// One request's worth of symbols.
const MOST_SYMBOLS: usize = 100;
/// Dividends and reports of the past that are shown; a document has all.
const PAST_SHOWN: usize = 4;
const MONTHS_BACK: u32 = 24;

/// What is printed, and the first thing that could not be read.
struct Told {
    text: String,
    document: Value,
    missing: Option<Trouble>,
}

pub async fn run(setting: Setting, args: LookupArgs) -> Result<Exit, Trouble> {
    let wish = Wish::of(&args.symbols)?;
    let connection = Connection::open(&setting).await?;
    let told = match &connection.broker {
        Reached::Tastytrade(broker) => look(&**broker, &wish).await,
        Reached::Tradier(broker) => look(&**broker, &wish).await,
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

enum Wish {
    Contract(OptionContract),
    One(Symbol),
    Several(Vec<Symbol>),
}

impl Wish {
    fn of(texts: &[String]) -> Result<Self, Trouble> {
        let usage = |why: String, remedy: &'static str| Trouble::new(Exit::Usage, why).with_remedy(remedy);
        if let [text] = texts
            && let Ok(parts) = parse_occ(&text.to_uppercase())
        {
            let root = parts.root.as_str();
            return Ok(Self::Contract(OptionContract {
                underlying: parts.root.clone(),
                settlement: settlement_of_root(root),
                style: style_of_root(root),
                expiry: parts.expiry,
                right: parts.right,
                strike: parts.strike,
                multiplier: 100,
                root: parts.root,
            }));
        }
        let mut symbols = Vec::with_capacity(texts.len());
        for text in texts {
            let symbol = Symbol::new(&text.to_uppercase())
                .map_err(|error| usage(error.to_string(), "write tickers, or one OCC symbol in quotes"))?;
            if !symbols.contains(&symbol) {
                symbols.push(symbol);
            }
        }
        match symbols.len() {
            1 => Ok(Self::One(symbols.remove(0))),
            n if n > MOST_SYMBOLS => {
                Err(usage(format!("{n} symbols are too many"), "take a hundred at a time"))
            }
            _ => Ok(Self::Several(symbols)),
        }
    }
}

async fn look(broker: &(impl Broker + Catalogue), wish: &Wish) -> Result<Told, Trouble> {
    match wish {
        Wish::Contract(contract) => contract_details(broker, contract).await,
        Wish::One(symbol) => whole(broker, symbol).await,
        Wish::Several(symbols) => table(broker, symbols).await,
    }
}

async fn contract_details(broker: &impl Catalogue, of: &OptionContract) -> Result<Told, Trouble> {
    let read = broker.option(of).await.map_err(|error| trouble(&error))?;
    let contract = &read.contract;
    let mut text = format!(
        "{}: {:?} on {}, {} {}, {} {} shares, settled in the {}\n",
        read.symbol,
        contract.right,
        contract.underlying,
        contract.strike.normalize(),
        contract.expiry,
        style_word(contract.style),
        contract.multiplier,
        if contract.settlement == Settlement::Am { "morning" } else { "afternoon" },
    );
    let stops = read.stops_trading_at.map(super::table::minute);
    let _ = writeln!(
        text,
        "{}{}{}, trades until {} ET",
        read.active.map_or(UNKNOWN, |active| if active { "active" } else { "not active" }),
        if read.closing_only == Some(true) { ", closing only" } else { "" },
        read.expiration.as_ref().map_or(String::new(), |kind| format!(", {}", kind.word().to_lowercase())),
        stops.as_deref().unwrap_or(UNKNOWN),
    );
    Ok(Told { text, document: json!({ "contract": read }), missing: None })
}

async fn table(broker: &impl Catalogue, symbols: &[Symbol]) -> Result<Told, Trouble> {
    let rows = broker.equities(symbols).await.map_err(|error| trouble(&error))?;
    let mut table = Table::new(&[
        ("symbol", Side::Left),
        ("kind", Side::Left),
        ("market", Side::Left),
        ("short sales", Side::Left),
        ("remarks", Side::Left),
        ("", Side::Left),
    ]);
    for row in &rows {
        table.row(vec![
            row.symbol.to_string(),
            kind(row).to_owned(),
            row.listed_market.clone().unwrap_or_default(),
            row.lendability.as_ref().map_or(String::new(), |word| word.word().to_lowercase()),
            remarks(row).join(", "),
            row.description.clone().unwrap_or_default(),
        ]);
    }
    let unknown: Vec<&str> = symbols
        .iter()
        .filter(|symbol| !rows.iter().any(|row| row.symbol == **symbol))
        .map(Symbol::as_str)
        .collect();
    let text = if rows.is_empty() { String::new() } else { table.text() };
    let missing = (!unknown.is_empty()).then(|| {
        let what = format!("not listed at the broker: {}", unknown.join(", "));
        Trouble::failed(what).with_remedy("check the spelling")
    });
    Ok(Told { text, document: json!({ "equities": rows, "not_listed": unknown }), missing })
}

/// Everything about one name. A part that cannot be read is named and costs itself.
async fn whole(broker: &(impl Broker + Catalogue), symbol: &Symbol) -> Result<Told, Trouble> {
    let mut parts = Parts::default();
    let equity = match broker.equity(symbol).await {
        Ok(equity) => Some(equity),
        Err(BrokerError::NotFound { .. }) => return Err(not_listed(broker, symbol).await),
        Err(error @ (BrokerError::NotRead { .. } | BrokerError::NotOffered { .. })) => {
            parts.lost("listed", error)
        }
        Err(error) => return Err(trouble(&error)),
    };
    let now = now_at(broker);
    let today = new_york_date(now);
    let metrics = match broker.metrics(std::slice::from_ref(symbol)).await {
        Ok(updates) => updates.into_iter().find_map(|update| match update {
            MarketUpdate::Metrics(metrics) => Some(metrics),
            _ => None,
        }),
        Err(error) => parts.lost("metrics", error),
    };
    let paid = parts.of("dividends", broker.dividends(symbol).await);
    let since = today - Months::new(MONTHS_BACK);
    let reports = parts.of("earnings", broker.earnings(symbol, since).await);
    let contracts = parts.of("options", broker.options(symbol).await);
    let chain = parts.of("chain", broker.chain(symbol).await);
    let options = match (&contracts, &chain) {
        (Some(contracts), chain) => Some(Options::of(contracts, chain.as_ref(), metrics.as_ref())),
        (None, Some(chain)) => Some(Options::of(&contracts_of(chain), None, metrics.as_ref())),
        (None, None) => None,
    };

    let mut text = equity.as_ref().map_or_else(|| format!("{symbol}\n"), headline);
    text.push_str(&volatility(metrics.as_ref()));
    text.push_str(&dividends(metrics.as_ref(), paid.as_ref()));
    text.push_str(&earnings(metrics.as_ref(), reports.as_ref()));
    if let Some(options) = &options {
        text.push_str(&options.text(now));
    }
    for (what, why) in &parts.unread {
        let _ = writeln!(text, "{what:<13} not read: {why}");
    }
    let document = json!({
        "equity": equity, "metrics": metrics.as_ref().map(metrics_json), "dividends": paid, "earnings": reports,
        "options": options, "not_read": parts.unread,
    });
    Ok(Told { text, document, missing: parts.missing })
}

/// The contracts of a chain by strikes, where no list of them is read.
fn contracts_of(chain: &OptionChain) -> Listed<OptionDetails> {
    let strikes = chain.expirations.iter().flat_map(|expiration| &expiration.strikes);
    let details = |side: &Instrument| match side {
        Instrument::Option(contract) => Some(OptionDetails {
            symbol: contract.occ(),
            contract: Arc::clone(contract),
            active: None,
            closing_only: None,
            expiration: None,
            chain: None,
            expires_at: None,
            stops_trading_at: None,
        }),
        Instrument::Equity(_) | Instrument::Index(_) => None,
    };
    let rows = strikes.flat_map(|strike| [&strike.call, &strike.put]).filter_map(details).collect();
    Listed { rows, unread: 0 }
}

/// What was not read, with the reason.
#[derive(Default)]
struct Parts {
    unread: BTreeMap<&'static str, String>,
    missing: Option<Trouble>,
}

impl Parts {
    fn of<T>(&mut self, what: &'static str, read: Result<T, BrokerError>) -> Option<T> {
        match read {
            Ok(read) => Some(read),
            Err(error) => self.lost(what, error),
        }
    }

    /// A broker that has no such thing has answered.
    fn lost<T>(&mut self, what: &'static str, error: BrokerError) -> Option<T> {
        self.unread.insert(what, error.to_string());
        let is_answer = matches!(
            error,
            BrokerError::NotFound { .. } | BrokerError::NotOffered { .. } | BrokerError::NotRead { .. }
        );
        if !is_answer {
            self.missing.get_or_insert_with(|| incomplete(&error));
        }
        None
    }
}

async fn not_listed(broker: &impl Catalogue, symbol: &Symbol) -> Trouble {
    const LIKE_IT: usize = 5;
    let found = broker.search(symbol.as_str()).await.map(|found| found.rows).unwrap_or_default();
    let like: Vec<String> = found.iter().take(LIKE_IT).map(|one| one.symbol.clone()).collect();
    let trouble = Trouble::failed(format!("{symbol} is not listed at the broker"));
    if like.is_empty() {
        trouble.with_remedy("check the spelling")
    } else {
        trouble.with_remedy(format!("there are {}", like.join(", ")))
    }
}

fn kind(of: &EquityDetails) -> &'static str {
    match (of.is_index, of.is_etf) {
        (Some(true), _) => "index",
        (_, Some(true)) => "ETF",
        _ => "share",
    }
}

/// What stands in the way of a trade.
fn remarks(of: &EquityDetails) -> Vec<&'static str> {
    let table = [
        (of.active == Some(false), "not active"),
        (of.closing_only == Some(true), "closing only"),
        (of.options_closing_only == Some(true), "options closing only"),
        (of.illiquid == Some(true), "illiquid"),
    ];
    table.into_iter().filter_map(|(holds, words)| holds.then_some(words)).collect()
}

fn headline(of: &EquityDetails) -> String {
    let mut text = format!("{}  {}\n", of.symbol, of.description.as_deref().unwrap_or(UNKNOWN));
    let market = of.listed_market.as_ref().map_or(String::new(), |market| format!(" on {market}"));
    let mut words = vec![format!("{}{market}", kind(of))];
    words.extend(remarks(of).into_iter().map(str::to_owned));
    if let Some(lendability) = &of.lendability {
        let rate = of.borrow_rate.filter(|rate| !rate.is_zero());
        let rate = rate.map_or(String::new(), |rate| format!(" at {rate}"));
        words.push(format!("{}{rate}", lendability.word().to_lowercase()));
    }
    let _ = writeln!(text, "{:<13} {}", "listed", words.join(", "));
    let steps = |of: &[Increment]| of.iter().map(step).collect::<Vec<_>>().join(", ");
    if !of.increments.is_empty() {
        let options = if of.option_increments.is_empty() {
            String::new()
        } else {
            format!("; options {}", steps(&of.option_increments))
        };
        let _ = writeln!(text, "{:<13} {}{options}", "price steps", steps(&of.increments));
    }
    text
}

fn step(of: &Increment) -> String {
    match of.below {
        Some(below) => format!("{} below {}", of.tick, below.normalize()),
        None => of.tick.to_string(),
    }
}

fn volatility(metrics: Option<&UnderlyingMetrics>) -> String {
    let Some(m) = metrics else { return String::new() };
    let beta = m.beta.map_or_else(|| UNKNOWN.to_owned(), |beta| format!("{beta:.2}"));
    format!(
        "{:<13} index {}, rank {}, percentile {}, beta {beta}\n",
        "volatility",
        percent(m.iv_index),
        percent(m.iv_rank),
        percent(m.iv_percentile)
    )
}

fn dividends(metrics: Option<&UnderlyingMetrics>, paid: Option<&Listed<PastDividend>>) -> String {
    let mut words = Vec::new();
    if let Some(date) = metrics.and_then(|m| m.next_ex_date) {
        let amount =
            metrics.and_then(|m| m.next_dividend).map_or(String::new(), |amount| format!(" {amount}"));
        words.push(format!("next {date}{amount}"));
    }
    let past = paid.map_or(&[][..], |paid| &paid.rows);
    let one = |row: &PastDividend| {
        format!("{} {}", row.date, row.amount.map_or(UNKNOWN.to_owned(), |amount| amount.0.to_string()))
    };
    words.extend(past.iter().take(PAST_SHOWN).map(one));
    line("dividends", &words, paid.map(|paid| paid.unread))
}

fn earnings(metrics: Option<&UnderlyingMetrics>, told: Option<&Listed<PastEarnings>>) -> String {
    let mut words = Vec::new();
    if let Some(date) = metrics.and_then(|m| m.next_earnings) {
        words.push(format!("next {date}"));
    }
    let past = told.map_or(&[][..], |told| &told.rows);
    let one = |row: &PastEarnings| {
        format!("{} {}", row.date, row.per_share.map_or(UNKNOWN.to_owned(), |eps| eps.to_string()))
    };
    words.extend(past.iter().take(PAST_SHOWN).map(one));
    line("earnings", &words, told.map(|told| told.unread))
}

/// Nothing is said of what was not read: that stands below.
fn line(what: &str, words: &[String], unread: Option<usize>) -> String {
    let Some(unread) = unread else { return String::new() };
    let words = if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let unread = if unread > 0 { format!("; {unread} could not be read") } else { String::new() };
    format!("{what:<13} {words}{unread}\n")
}

fn style_word(style: ExerciseStyle) -> &'static str {
    match style {
        ExerciseStyle::American => "American",
        ExerciseStyle::European => "European",
    }
}

fn metrics_json(m: &UnderlyingMetrics) -> Value {
    json!({
        "iv_index": m.iv_index, "iv_rank": m.iv_rank, "iv_percentile": m.iv_percentile, "beta": m.beta,
        "dividend_yield": m.dividend_yield, "next_ex_date": m.next_ex_date, "next_dividend": m.next_dividend,
        "next_earnings": m.next_earnings, "at": m.at,
        "expirations": m.expirations.iter().map(|(date, iv)| json!({ "date": date, "iv": iv })).collect::<Vec<_>>(),
    })
}

/// The contracts on one underlying, by expiry.
#[derive(Serialize)]
struct Options {
    contracts: usize,
    adjusted: usize,
    unread: usize,
    /// Whether the list by strikes, which bookings are made from, has the same standard contracts; `null`: it was
    /// not read.
    same_as_chain: Option<bool>,
    only_in_one: usize,
    expiries: Vec<Expiry>,
}

#[derive(Serialize)]
struct Expiry {
    date: TradingDate,
    root: Symbol,
    kind: Option<ExpirationKind>,
    settlement: Settlement,
    style: ExerciseStyle,
    contracts: usize,
    strikes: usize,
    closing_only: usize,
    /// The broker's, of this date.
    iv: Option<f64>,
}

impl Options {
    fn of(
        listed: &Listed<OptionDetails>,
        chain: Option<&OptionChain>,
        metrics: Option<&UnderlyingMetrics>,
    ) -> Self {
        let (standard, adjusted): (Vec<&OptionDetails>, Vec<&OptionDetails>) =
            listed.rows.iter().partition(|one| is_standard(one));
        let mut groups: BTreeMap<(TradingDate, Symbol), Vec<&OptionDetails>> = BTreeMap::new();
        for one in &standard {
            groups.entry((one.contract.expiry, one.contract.root.clone())).or_default().push(one);
        }
        let iv = |date: TradingDate| {
            let known = metrics?.expirations.iter().find(|(of, _)| *of == date)?;
            Some(known.1)
        };
        let expiries = groups
            .into_iter()
            .filter_map(|((date, root), rows)| {
                let first = rows.first()?;
                let strikes: BTreeSet<_> = rows.iter().map(|one| one.contract.strike).collect();
                Some(Expiry {
                    date,
                    root,
                    kind: first.expiration.clone(),
                    settlement: first.contract.settlement,
                    style: first.contract.style,
                    contracts: rows.len(),
                    strikes: strikes.len(),
                    closing_only: rows.iter().filter(|one| one.closing_only == Some(true)).count(),
                    iv: iv(date),
                })
            })
            .collect();
        let only_in_one = chain.map(|chain| {
            let sides = chain.expirations.iter().flat_map(|expiration| &expiration.strikes);
            let by_strike: BTreeSet<String> =
                sides.flat_map(|strike| [strike.call.broker_symbol(), strike.put.broker_symbol()]).collect();
            let one_by_one: BTreeSet<String> = standard.iter().map(|one| one.symbol.clone()).collect();
            by_strike.symmetric_difference(&one_by_one).count()
        });
        Self {
            contracts: standard.len(),
            adjusted: adjusted.len(),
            unread: listed.unread,
            same_as_chain: only_in_one.map(|n| n == 0),
            only_in_one: only_in_one.unwrap_or(0),
            expiries,
        }
    }

    fn text(&self, now: Timestamp) -> String {
        if self.expiries.is_empty() {
            return format!("{:<13} none\n", "options");
        }
        let mut text =
            format!("{:<13} {} contracts, {} expiries", "options", self.contracts, self.expiries.len());
        if self.adjusted > 0 {
            let _ = write!(text, ", {} adjusted ones besides", self.adjusted);
        }
        match self.same_as_chain {
            Some(true) => text.push_str("; the chain by strikes has the same"),
            Some(false) => {
                let _ =
                    write!(text, "; {} are in this list or in the chain by strikes only", self.only_in_one);
            }
            None => {}
        }
        if self.unread > 0 {
            let _ = write!(text, "; {} could not be read", self.unread);
        }
        text.push('\n');
        let mut table = Table::new(&[
            ("expiry", Side::Left),
            ("days", Side::Right),
            ("root", Side::Left),
            ("kind", Side::Left),
            ("settled", Side::Left),
            ("style", Side::Left),
            ("strikes", Side::Right),
            ("IV", Side::Right),
        ]);
        for one in &self.expiries {
            table.row(vec![
                one.date.to_string(),
                days_to(one.date, now).to_string(),
                one.root.to_string(),
                one.kind.as_ref().map_or(UNKNOWN.to_owned(), |kind| kind.word().to_lowercase()),
                if one.settlement == Settlement::Am { "AM" } else { "PM" }.to_owned(),
                style_word(one.style).to_owned(),
                one.strikes.to_string(),
                percent(one.iv),
            ]);
        }
        text.push_str(&table.text());
        text
    }
}

/// By the broker's word, or by the contract where it says nothing.
fn is_standard(one: &OptionDetails) -> bool {
    use crate::domain::listing::ChainKind;
    match &one.chain {
        Some(kind) => *kind == ChainKind::Standard,
        None => one.contract.is_standard(),
    }
}
