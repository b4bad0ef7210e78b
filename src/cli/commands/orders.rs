//! `orders`: what is staged, at the broker, in doubt and done. `promote` and `close`: the order that opens or closes
//! a trade, staged on the broker's judgement. Nothing is sent from a shell.

use std::fmt::Write;
use std::time::Duration;

use serde_json::json;

use crate::cli::args::{CloseArgs, OrdersArgs, PromoteArgs, StageArgs};
use crate::cli::exit::{Exit, Trouble};
use crate::cli::setting::Setting;
use crate::domain::Command;
use crate::domain::order::{NetPrice, OrderFor};
use crate::runtime::control::Told;
use crate::snapshot::orders::OrderRow;

pub async fn list(setting: Setting, args: OrdersArgs) -> Result<Exit, Trouble> {
    super::refuse_other_market(&setting).await?;
    let (snapshot, _) = super::snapshot::picture(&setting, Duration::from_secs(10)).await?;
    let orders = &snapshot.orders;
    if args.json {
        super::print_json(orders)?;
        return Ok(Exit::Ok);
    }
    let mut text = String::new();
    // Writing to a String does not fail.
    for row in &orders.rows {
        let _ = writeln!(text, "{}", line(row));
        for leg in &row.legs {
            let filled = leg.price.map_or(String::new(), |price| format!(" at {}", price.0));
            let of = format!("{}/{}", leg.filled.normalize(), leg.quantity);
            let _ = writeln!(text, "            {of:<7} {}{filled}", leg.label);
        }
    }
    if orders.rows.is_empty() {
        text.push_str("no orders today\n");
    } else {
        let _ = writeln!(
            text,
            "{} working, {} unknown, {} staged; mode {}",
            orders.working,
            orders.unknown,
            orders.staged,
            snapshot.mode.badge()
        );
    }
    super::print(&text)?;
    Ok(Exit::Ok)
}

fn line(row: &OrderRow) -> String {
    let venue = row.venue.map_or("", |venue| venue.word());
    let worst = row.worst.map_or(String::new(), |worst| format!(" to {worst}"));
    let id = row.broker_id.as_deref().unwrap_or("no number yet");
    let set = row
        .set
        .as_ref()
        .map_or_else(String::new, |set| format!("\n            {}: {}", set.kind.word(), set.words));
    format!(
        "{:<11} {} {}, {venue}, {} · {}{worst} · {id}\n            {}{set}",
        state(row),
        row.underlying,
        row.label,
        row.account,
        row.limit,
        row.words
    )
}

fn state(row: &OrderRow) -> String {
    if row.unknown { "UNKNOWN".to_owned() } else { format!("{:?}", row.state).to_lowercase() }
}

pub async fn promote(setting: Setting, args: PromoteArgs) -> Result<Exit, Trouble> {
    let purpose = if args.with_exits { OrderFor::OpenWithExits } else { OrderFor::Open };
    stage(setting, args.stage, purpose).await
}

pub async fn close(setting: Setting, args: CloseArgs) -> Result<Exit, Trouble> {
    let purpose = match (args.rest, args.bracket) {
        (_, true) => OrderFor::Bracket,
        (true, _) => OrderFor::RestExit,
        _ => OrderFor::Close,
    };
    stage(setting, args.stage, purpose).await
}

async fn stage(setting: Setting, args: StageArgs, purpose: OrderFor) -> Result<Exit, Trouble> {
    super::refuse_other_market(&setting).await?;
    let command = Command::Stage {
        trade: crate::domain::TradeId(args.trade),
        purpose,
        limit: args.price.map(NetPrice),
        rationale: args.rationale,
    };
    match super::book::ask(&setting, command).await? {
        Told::Done(done) => {
            let text = if args.json {
                format!("{}\n", json!({ "said": done.said, "trade": args.trade, "events": done.events }))
            } else {
                format!("{}; `b` in the cockpit sends it\n", done.said)
            };
            super::print(&text)?;
            Ok(Exit::Ok)
        }
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
