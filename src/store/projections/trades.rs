//! One row a trade, as the latest event left it.

use rusqlite::{Connection, params};

use super::word;
use crate::domain::event::Event;
use crate::domain::time::Timestamp;
use crate::store::codec::timestamp_text;

pub fn apply(conn: &Connection, at: Timestamp, event: &Event) -> rusqlite::Result<()> {
    match event {
        Event::TradeIntended(e) => conn
            .prepare_cached(
                "INSERT INTO trades (id, kind, portfolio, account, underlying, strategy, state, opened_at, rationale)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'intent', ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, portfolio = excluded.portfolio,
                    account = excluded.account, underlying = excluded.underlying, strategy = excluded.strategy,
                    state = excluded.state, rationale = excluded.rationale",
            )?
            .execute(params![
                e.trade.to_string(),
                word(&e.trade_kind)?,
                e.portfolio.map(|id| id.to_string()),
                e.account.map(|id| id.to_string()),
                e.underlying.as_str(),
                e.strategy.key(),
                timestamp_text(at),
                e.rationale,
            ])?,
        Event::TradeAdopted(e) => conn
            .prepare_cached(
                "INSERT INTO trades (id, kind, portfolio, account, underlying, strategy, state, opened_at)
                 VALUES (?1, 'real', ?2, ?3, ?4, ?5, 'executed', ?6)
                 ON CONFLICT (id) DO UPDATE SET portfolio = excluded.portfolio, account = excluded.account,
                    strategy = excluded.strategy, state = excluded.state, opened_at = excluded.opened_at",
            )?
            .execute(params![
                e.trade.to_string(),
                e.portfolio.map(|id| id.to_string()),
                e.account.to_string(),
                e.underlying.as_str(),
                e.strategy.key(),
                timestamp_text(e.opened_at),
            ])?,
        Event::TradeEvaluated(e) => conn
            .prepare_cached("UPDATE trades SET state = 'evaluated' WHERE id = ?1 AND state = 'intent'")?
            .execute([e.trade.to_string()])?,
        Event::TradeResized(e) => conn
            .prepare_cached("UPDATE trades SET strategy = ?2 WHERE id = ?1")?
            .execute(params![e.trade.to_string(), e.strategy.key()])?,
        Event::TradeMoved(e) => conn
            .prepare_cached("UPDATE trades SET portfolio = ?2 WHERE id = ?1")?
            .execute(params![e.trade.to_string(), e.to.to_string()])?,
        Event::TradeClosed(e) => conn
            .prepare_cached(
                "UPDATE trades SET state = 'closed', closed_at = ?2, close_reason = ?3 WHERE id = ?1",
            )?
            .execute(params![e.trade.to_string(), timestamp_text(at), word(&e.why)?])?,
        _ => 0,
    };
    Ok(())
}
