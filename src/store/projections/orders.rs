//! One row an order, as the latest event left it; one row a fill.

use rusqlite::{Connection, params};

use super::word;
use crate::domain::event::{Answered, Event};
use crate::domain::order::OrderStep;
use crate::domain::time::Timestamp;
use crate::store::codec::timestamp_text;

pub fn apply(conn: &Connection, at: Timestamp, event: &Event) -> rusqlite::Result<()> {
    match event {
        Event::OrderStaged(e) => {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO orders (reference, trade, account, state, limit_net, staged_at)
                 VALUES (?1, ?2, ?3, 'staged', ?4, ?5)",
            )?
            .execute(params![
                e.ticket.reference.to_string(),
                e.ticket.trade.to_string(),
                e.ticket.account.to_string(),
                e.ticket.limit.0.to_string(),
                timestamp_text(at),
            ])?;
        }
        Event::OrderSubmitted(e) => {
            conn.prepare_cached(
                "UPDATE orders SET state = 'submitting', limit_net = ?2, sent_at = ?3 WHERE reference = ?1",
            )?
            .execute(params![
                e.reference.to_string(),
                e.ticket.limit.0.to_string(),
                timestamp_text(at)
            ])?;
        }
        Event::OrderAnswered(e) => {
            let (state, id, why) = match &e.answer {
                Answered::Accepted { id } => ("working", Some(id.0.as_str()), None),
                Answered::Refused { refusal } => ("rejected", None, Some(refusal.to_string())),
                Answered::Lost { why } => ("unknown", None, Some(why.clone())),
                Answered::NotDone => return Ok(()),
            };
            conn.prepare_cached(
                "UPDATE orders SET state = ?2, broker_id = coalesce(?3, broker_id), why = ?4
                 WHERE reference = ?1 AND state IN ('submitting', 'unknown', 'working')",
            )?
            .execute(params![e.reference.to_string(), state, id, why])?;
        }
        // A replacement has a number of its own.
        Event::OrderChangeAnswered(e) => {
            if let Answered::Accepted { id } = &e.answer {
                conn.prepare_cached("UPDATE orders SET broker_id = ?2 WHERE reference = ?1")?
                    .execute(params![e.reference.to_string(), id.0])?;
            }
        }
        Event::OrderMoved(e) => {
            let state = match e.step {
                OrderStep::Send => "submitting",
                OrderStep::Accept => "working",
                OrderStep::Refuse => "rejected",
                OrderStep::Lose => "unknown",
                OrderStep::Fill => "filled",
                OrderStep::EndPartlyFilled => "partly_filled",
                OrderStep::Cancel => "cancelled",
                OrderStep::Expire => "expired",
                OrderStep::Drop => "dropped",
            };
            conn.prepare_cached(
                "UPDATE orders SET state = ?2, broker_id = coalesce(?3, broker_id),
                    limit_net = coalesce(?4, limit_net), why = ?5
                 WHERE reference = ?1",
            )?
            .execute(params![
                e.reference.to_string(),
                state,
                e.id.as_ref().map(|id| id.0.as_str()),
                e.limit.map(|limit| limit.0.to_string()),
                e.why,
            ])?;
        }
        Event::OrderFilled(e) => {
            let mut insert = conn.prepare_cached(
                "INSERT OR IGNORE INTO fills (reference, fill, symbol, action, quantity, price, filled_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for booked in &e.fills {
                insert.execute(params![
                    e.reference.to_string(),
                    booked.fill.id.0,
                    booked.instrument.broker_symbol(),
                    word(&booked.action)?,
                    booked.fill.quantity.to_string(),
                    booked.fill.price.to_string(),
                    booked.fill.at.map(timestamp_text),
                ])?;
            }
            conn.prepare_cached(
                "UPDATE trades SET state = 'executed' WHERE state <> 'closed'
                    AND id = (SELECT trade FROM orders WHERE reference = ?1)",
            )?
            .execute([e.reference.to_string()])?;
        }
        Event::TradePromoted(e) => {
            conn.prepare_cached("UPDATE trades SET kind = 'real', account = ?2 WHERE id = ?1")?
                .execute(params![e.trade.to_string(), e.account.to_string()])?;
        }
        _ => {}
    }
    Ok(())
}
