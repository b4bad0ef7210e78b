//! `book`: a WhatIf from the shell, by the cockpit that runs or by one started for the moment.

use std::fmt::Write;
use std::time::Duration;

use chrono::Datelike;
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::cli::args::BookArgs;
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::domain::command::{Booked, Done};
use crate::domain::command_line::{BookingLine, parse_booking, split_rationale, strategy_named};
use crate::domain::trade::{TradeOdds, Verdict};
use crate::domain::{Command, LimitState, Money, label};
use crate::runtime::control::{Client, ControlError, Request, Response, Told};
use crate::runtime::engine_task::Ask;
use crate::runtime::{telemetry, wire_up};
use crate::snapshot::Snapshot;
use crate::store::{Access, Store, StoreError};

/// For the first complete picture, and again for the chain and the evaluation.
const PATIENCE: Duration = Duration::from_secs(20);

pub async fn run(setting: Setting, args: BookArgs) -> Result<Exit, Trouble> {
    let (line, rationale) = wish(&args)?;
    super::refuse_other_market(&setting).await?;
    let command = Command::Book { line, rationale };
    match ask(&setting, command).await? {
        Told::Done(done) => report(&setting, &done, args.json),
        Told::Refused { text, remedy, block } => {
            if args.json {
                let document = json!({ "refused": { "text": text, "remedy": remedy, "block": block } });
                super::print_json(&document)?;
            }
            let exit = if block { Exit::Blocked } else { Exit::Failed };
            Err(Trouble::new(exit, text).with_remedy(remedy))
        }
    }
}

/// The cockpit that runs on the store, or one for the moment.
pub(super) async fn ask(setting: &Setting, command: Command) -> Result<Told, Trouble> {
    match Client::connect(&setting.store).await {
        Ok(client) => ask_cockpit(client, command).await,
        Err(ControlError::Nobody { .. }) => ask_own(setting, command).await,
        Err(error) => Err(Trouble::failed(error.to_string())),
    }
}

/// The line with what the options add to it, and the one rationale.
fn wish(args: &BookArgs) -> Result<(BookingLine, String), Trouble> {
    let usage = |text: String, remedy: &str| Trouble::new(Exit::Usage, text).with_remedy(remedy);
    let typed = args.line.join(" ");
    let (line, inside) = split_rationale(&typed);
    let after = (!args.why.is_empty()).then(|| args.why.join(" "));
    let given: Vec<String> =
        [args.rationale.clone(), inside.map(str::to_owned), after].into_iter().flatten().collect();
    let rationale = match given.as_slice() {
        [one] if !one.trim().is_empty() => one.clone(),
        [] | [_] => {
            return Err(usage("a rationale is needed".into(), "add --rationale \"income, IVR 23\""));
        }
        _ => return Err(usage("the rationale is given twice".into(), "keep one of them")),
    };
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    // `book iron_condor SPY` reads the same as `book spy iron_condor`.
    if let [first, second, ..] = words.as_slice()
        && strategy_named(first).is_some()
        && strategy_named(second).is_none()
    {
        words.swap(0, 1);
    }
    words.extend(args.dte.map(|days| format!("{days}d")));
    words.extend(args.delta.map(|delta| delta.to_string()));
    words.extend(args.width.map(|width| format!("w{width}")));
    words.extend(args.lots.map(|lots| format!("x{lots}")));
    words.extend(args.portfolio.as_ref().map(|name| format!("@{name}")));
    let line = parse_booking(&words.join(" ")).map_err(|bad| usage(bad.to_string(), bad.remedy()))?;
    Ok((line, rationale))
}

async fn ask_cockpit(mut client: Client, command: Command) -> Result<Told, Trouble> {
    match timeout(PATIENCE, client.ask(&Request::Command(command))).await {
        Ok(Ok(Response::Command(told))) => Ok(told),
        Ok(Ok(_)) => Err(Trouble::failed("the running cockpit answered something else")),
        Ok(Err(error)) => Err(Trouble::failed(error.to_string())),
        Err(_) => Err(unanswered()),
    }
}

async fn ask_own(setting: &Setting, command: Command) -> Result<Told, Trouble> {
    refuse_damaged(setting)?;
    let _telemetry = telemetry::start(&setting.log_folder(), setting.env.get("COTRADER_LOG"));
    let running = wire_up::start(setting.plan(false)).await?;
    let told = if running.complete(PATIENCE, Snapshot::is_complete).await {
        let (reply, answer) = oneshot::channel();
        let asked = running.asks.send(Ask::Command { command, reply: Some(reply) }).await;
        match (asked, timeout(PATIENCE, answer).await) {
            (Ok(()), Ok(Ok(outcome))) => Ok(Told::from(outcome)),
            (_, Err(_)) => Err(unanswered()),
            _ => Err(Trouble::failed("the engine stopped before it answered")),
        }
    } else {
        Err(Trouble::new(Exit::BrokerUnreachable, "accounts and quotes did not come in time")
            .with_remedy("`cotrader doctor` checks the connection"))
    };
    if let Err(error) = running.stop().await {
        tracing::warn!(%error, "after the booking");
    }
    told
}

/// Before anything is started over it.
fn refuse_damaged(setting: &Setting) -> Result<(), Trouble> {
    match Store::open(&setting.store, Access::ReadOnly) {
        Ok(opened) => match opened.damage {
            Some(damage) => Err(StoreError::Damaged(damage).into()),
            None => Ok(()),
        },
        Err(StoreError::Missing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn unanswered() -> Trouble {
    let text = format!("no answer in {} s; it may still be booked", PATIENCE.as_secs());
    Trouble::failed(text).with_remedy("look with `cotrader events --kind trade.intended`")
}

fn report(setting: &Setting, done: &Done, as_json: bool) -> Result<Exit, Trouble> {
    let Some(booked) = &done.booked else {
        super::print(&format!("{}\n", done.said))?;
        return Ok(Exit::Ok);
    };
    let text =
        if as_json { format!("{}\n", document(setting, done, booked)) } else { page(setting, done, booked) };
    super::print(&text)?;
    if booked.evaluation.verdict == Verdict::Block {
        return Err(Trouble::new(Exit::Blocked, "the WhatIf is over a limit and cannot go on")
            .with_remedy("take fewer lots, a narrower width, or reduce something first"));
    }
    Ok(Exit::Ok)
}

fn portfolio_name(setting: &Setting, booked: &Booked) -> Option<String> {
    let id = booked.intended.portfolio?;
    setting.config.portfolios.iter().find(|p| p.id == id).map(|p| p.name.clone())
}

fn document(setting: &Setting, done: &Done, booked: &Booked) -> serde_json::Value {
    let intended = &booked.intended;
    let year = chrono::Utc::now().year();
    let legs: Vec<serde_json::Value> = intended
        .legs
        .iter()
        .map(|leg| {
            json!({
                "instrument": leg.instrument.broker_symbol(),
                "label": label::leg(&leg.instrument, year),
                "quantity": leg.quantity,
                "entry": leg.entry,
            })
        })
        .collect();
    json!({
        "trade": intended.trade,
        "events": done.events,
        "kind": intended.trade_kind,
        "portfolio": portfolio_name(setting, booked),
        "underlying": intended.underlying,
        "strategy": intended.strategy,
        "label": label::structure(intended.strategy, &intended.legs, year),
        "rationale": intended.rationale,
        "legs": legs,
        "evaluation": booked.evaluation,
        "said": done.said,
    })
}

fn page(setting: &Setting, done: &Done, booked: &Booked) -> String {
    let (intended, evaluation) = (&booked.intended, &booked.evaluation);
    let year = chrono::Utc::now().year();
    let mut text = String::new();
    let mut line = |name: &str, words: String| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:<12} {words}");
    };
    let home = portfolio_name(setting, booked).map_or(String::new(), |name| format!(" in {name}"));
    let structure = label::structure(intended.strategy, &intended.legs, year);
    line("WhatIf", format!("{} {structure}{home}", intended.underlying));
    for leg in &intended.legs {
        let price = leg.entry.map_or(UNKNOWN.to_owned(), |price| format!("{:.2}", price.0));
        line("", format!("{:+}  {:<18} {price:>8}", leg.quantity, label::leg(&leg.instrument, year)));
    }
    match evaluation.net_price {
        Some(price) if price.is_negative() => line("debit", dollars(Money(price.0.abs()))),
        Some(price) => line("credit", dollars(price)),
        None => line("price", UNKNOWN.into()),
    }
    let boundless = if evaluation.payoff_unknown { UNKNOWN } else { "unlimited" };
    line("max profit", evaluation.max_profit.map_or(boundless.into(), dollars));
    line("max loss", evaluation.max_loss.map_or(boundless.into(), dollars));
    let breakevens: Vec<String> = evaluation.breakevens.iter().map(|b| format!("{b:.2}")).collect();
    line("breakevens", if breakevens.is_empty() { UNKNOWN.into() } else { breakevens.join(", ") });
    for (name, words) in odds_words(evaluation.odds.as_ref()) {
        line(name, words);
    }
    let signed = |figure: Option<f64>, places: usize| {
        figure.map_or(UNKNOWN.to_owned(), |figure| format!("{figure:+.places$}"))
    };
    line(
        "Greeks",
        format!(
            "Δ {} sh, βΔ {} sh, Θ {} a day, vega {} a point",
            signed(evaluation.delta_shares.map(f64::from), 1),
            signed(evaluation.beta_weighted_delta.map(f64::from), 1),
            signed(evaluation.theta_day.map(f64::from), 2),
            signed(evaluation.vega_point.map(f64::from), 1)
        ),
    );
    let percent = |used: Option<f64>| used.map_or("unknown".into(), |used| format!("{:.0} %", used * 100.0));
    for change in &evaluation.limits {
        let state = match change.state {
            LimitState::Off => "off",
            LimitState::Within => "within",
            LimitState::Near => "near",
            LimitState::Unknown => "unknown",
            LimitState::Breached => "BREACHED",
        };
        line(
            &format!("limit {}", change.limit.words()),
            format!("{} → {} used: {state}", percent(change.before), percent(change.after)),
        );
    }
    line(
        "verdict",
        match evaluation.verdict {
            Verdict::Pass => "pass",
            Verdict::Warn => "warn: near or over a limit",
            Verdict::Block => "BLOCK",
        }
        .to_owned(),
    );
    for note in &evaluation.notes {
        line("note", note.clone());
    }
    line("trade", intended.trade.to_string());
    let events: Vec<String> = done.events.iter().map(ToString::to_string).collect();
    line("events", events.join(" "));
    text
}

fn odds_words(odds: Option<&TradeOdds>) -> Vec<(&'static str, String)> {
    let Some(odds) = odds else { return vec![("odds", UNKNOWN.to_owned())] };
    let percent = |p: f64| format!("{:.0} %", p * 100.0);
    let chances = [("POP", odds.pop), ("most made", odds.p_max_profit), ("most lost", odds.p_max_loss)];
    let chances = chances.map(|(what, p)| format!("{what} {}", percent(p))).join(", ");
    let touched: Vec<String> = odds
        .probability_of_touch
        .iter()
        .map(|touch| {
            format!("{}{} {}", touch.strike.normalize(), touch.right.letter(), percent(touch.probability))
        })
        .collect();
    let expected = |money: Option<Money>| money.map_or(UNKNOWN.to_owned(), dollars);
    let expected = format!("{} as implied, {} as forecast", expected(odds.ev), expected(odds.ev_forecast));
    let all = [("odds", chances), ("touched", touched.join(", ")), ("expected", expected)];
    all.into_iter().filter(|(_, words)| !words.is_empty()).collect()
}

/// What stands in place of a figure that nobody knows.
const UNKNOWN: &str = "—";

/// Grouped by thousands, to the cent.
fn dollars(amount: Money) -> String {
    let text = format!("{:.2}", amount.0);
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}${grouped}.{cents}")
}

#[cfg(test)]
mod tests {
    use rust_decimal::Decimal;

    use super::*;

    #[test]
    fn dollars_are_grouped() {
        assert_eq!(dollars(Money(Decimal::new(123_456_789, 2))), "$1,234,567.89");
        assert_eq!(dollars(Money(Decimal::new(-40_400, 2))), "-$404.00");
        assert_eq!(dollars(Money(Decimal::new(96, 0))), "$96.00");
    }
}
