//! Every written reason, in the order it was given.

use rusqlite::{Connection, params};

use super::word;
use crate::domain::event::{Event, NoteKind};
use crate::domain::time::Timestamp;
use crate::store::codec::timestamp_text;
use crate::store::schema::signed;

pub fn apply(conn: &Connection, seq: u64, at: Timestamp, event: &Event) -> rusqlite::Result<()> {
    let (trade, kind, rationale) = match event {
        Event::TradeIntended(e) => (Some(e.trade), e.note_kind, &e.rationale),
        Event::NoteRecorded(e) => (e.trade, e.note_kind, &e.rationale),
        Event::TradeClosed(e) => match &e.rationale {
            Some(rationale) => (Some(e.trade), NoteKind::Outcome, rationale),
            None => return Ok(()),
        },
        _ => return Ok(()),
    };
    conn.prepare_cached(
        "INSERT INTO decisions (seq, at, trade, kind, rationale) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        signed(seq),
        timestamp_text(at),
        trade.map(|id| id.to_string()),
        word(&kind)?,
        rationale
    ])?;
    Ok(())
}
