//! The hash chain: SHA-256 over the previous hash and every stored field of an event, each with its length
//! in front. Always over the bytes as they are stored, never over a re-serialisation.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use sha2::{Digest, Sha256};

use super::error::{Damage, Flaw};

pub type Hash = [u8; 32];

/// What the first event continues.
pub const GENESIS: Hash = [0; 32];

/// The stored columns that are hashed, in their order in the table.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    pub seq: u64,
    pub event_id: &'a [u8],
    pub stream: &'a [u8],
    pub stream_version: u64,
    pub kind: &'a [u8],
    pub schema: u64,
    pub occurred_at: &'a [u8],
    pub recorded_at: &'a [u8],
    pub actor: &'a [u8],
    pub correlation_id: &'a [u8],
    pub causation_id: Option<&'a [u8]>,
    pub idempotency_key: Option<&'a [u8]>,
    pub payload: &'a [u8],
}

/// The hash of an event that follows `prev`. `scratch` is reused from event to event.
pub fn link(prev: &Hash, fields: &Fields<'_>, scratch: &mut Vec<u8>) -> Hash {
    scratch.clear();
    scratch.extend_from_slice(prev);
    let mut field = |bytes: Option<&[u8]>| match bytes {
        Some(bytes) => {
            scratch.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            scratch.extend_from_slice(bytes);
        }
        // No field can be that long: absent differs from empty.
        None => scratch.extend_from_slice(&u64::MAX.to_le_bytes()),
    };
    field(Some(&fields.seq.to_le_bytes()));
    field(Some(fields.event_id));
    field(Some(fields.stream));
    field(Some(&fields.stream_version.to_le_bytes()));
    field(Some(fields.kind));
    field(Some(&fields.schema.to_le_bytes()));
    field(Some(fields.occurred_at));
    field(Some(fields.recorded_at));
    field(Some(fields.actor));
    field(Some(fields.correlation_id));
    field(fields.causation_id);
    field(fields.idempotency_key);
    field(Some(fields.payload));
    Sha256::digest(&*scratch).into()
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]])
        .map(char::from)
        .collect()
}

pub fn unhex(text: &str) -> Option<Hash> {
    let text = text.as_bytes();
    if text.len() != 64 {
        return None;
    }
    let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut hash = GENESIS;
    for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(hash)
}

/// Columns in the order of [`Fields`], then both hashes.
pub const COLUMNS: &str = "seq, event_id, stream, stream_version, kind, schema, occurred_at, recorded_at, \
                           actor, correlation_id, causation_id, idempotency_key, payload, prev_hash, hash";

/// A row as it lies in the file. A column of another type than the one written is an altered row.
pub fn stored<'a>(row: &'a Row<'_>) -> Result<(Fields<'a>, &'a [u8], &'a [u8]), Flaw> {
    let column = |i: usize| row.get_ref(i).map_err(|e| Flaw::Unreadable(e.to_string()));
    let text = |i: usize| match column(i)? {
        ValueRef::Text(bytes) => Ok(bytes),
        _ => Err(Flaw::Altered),
    };
    let optional = |i: usize| match column(i)? {
        ValueRef::Text(bytes) => Ok(Some(bytes)),
        ValueRef::Null => Ok(None),
        _ => Err(Flaw::Altered),
    };
    let number = |i: usize| match column(i)? {
        ValueRef::Integer(value) => u64::try_from(value).map_err(|_| Flaw::Altered),
        _ => Err(Flaw::Altered),
    };
    let blob = |i: usize| match column(i)? {
        ValueRef::Blob(bytes) => Ok(bytes),
        _ => Err(Flaw::Altered),
    };
    let fields = Fields {
        seq: number(0)?,
        event_id: text(1)?,
        stream: text(2)?,
        stream_version: number(3)?,
        kind: text(4)?,
        schema: number(5)?,
        occurred_at: text(6)?,
        recorded_at: text(7)?,
        actor: text(8)?,
        correlation_id: text(9)?,
        causation_id: optional(10)?,
        idempotency_key: optional(11)?,
        payload: text(12)?,
    };
    Ok((fields, blob(13)?, blob(14)?))
}

/// Walks the events from `from` to the end, each following the one before it. `prev` is the hash of the event
/// before `from`. Returns how far the log reaches and its last hash, or the first damage.
pub fn walk(
    conn: &Connection,
    from: u64,
    prev: Hash,
    mut each: impl FnMut(&Fields<'_>) -> Result<(), Flaw>,
) -> Result<(u64, Hash), Damage> {
    let mut prev = prev;
    let mut next = from.max(1);
    let mut scratch = Vec::with_capacity(1024);
    let at = |seq: u64, what: Flaw| Damage { seq: Some(seq), what };
    let unreadable = |seq: u64| move |e: rusqlite::Error| at(seq, Flaw::Unreadable(e.to_string()));
    let start = i64::try_from(next).map_err(|_| at(next, Flaw::Gap { found: 0 }))?;
    let mut statement = conn
        .prepare(&format!("SELECT {COLUMNS} FROM events WHERE seq >= ?1 ORDER BY seq"))
        .map_err(unreadable(next))?;
    let mut rows = statement.query([start]).map_err(unreadable(next))?;
    while let Some(row) = rows.next().map_err(unreadable(next))? {
        let (fields, stored_prev, stored_hash) = stored(row).map_err(|flaw| at(next, flaw))?;
        if fields.seq != next {
            return Err(at(next, Flaw::Gap { found: fields.seq }));
        }
        if stored_prev != prev {
            return Err(at(next, Flaw::Unchained));
        }
        let hash = link(&prev, &fields, &mut scratch);
        if stored_hash != hash {
            return Err(at(next, Flaw::Altered));
        }
        each(&fields).map_err(|flaw| at(next, flaw))?;
        prev = hash;
        next += 1;
    }
    Ok((next - 1, prev))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields<'static> {
        Fields {
            seq: 1,
            event_id: b"id",
            stream: b"journal",
            stream_version: 1,
            kind: b"note",
            schema: 1,
            occurred_at: b"then",
            recorded_at: b"now",
            actor: b"trader",
            correlation_id: b"c",
            causation_id: None,
            idempotency_key: Some(b""),
            payload: b"{}",
        }
    }

    #[test]
    fn every_field_and_its_border_counts() {
        let mut scratch = Vec::new();
        let base = link(&GENESIS, &fields(), &mut scratch);
        let others = [
            Fields { seq: 2, ..fields() },
            Fields { event_id: b"ie", ..fields() },
            Fields { stream: b"market", ..fields() },
            Fields { stream_version: 2, ..fields() },
            Fields { kind: b"not", occurred_at: b"ethen", ..fields() },
            Fields { schema: 2, ..fields() },
            Fields { occurred_at: b"the", recorded_at: b"nnow", ..fields() },
            Fields { actor: b"system", ..fields() },
            Fields { correlation_id: b"d", ..fields() },
            Fields { causation_id: Some(b""), ..fields() },
            Fields { idempotency_key: None, ..fields() },
            Fields { payload: b"[]", ..fields() },
        ];
        for other in &others {
            assert_ne!(link(&GENESIS, other, &mut scratch), base, "{other:?}");
        }
        assert_ne!(link(&base, &fields(), &mut scratch), base);
    }

    #[test]
    fn hashes_read_back_from_their_text() {
        let hash = link(&GENESIS, &fields(), &mut Vec::new());
        assert_eq!(unhex(&hex(&hash)), Some(hash));
        assert_eq!(unhex("00"), None);
        assert_eq!(unhex(&"zz".repeat(32)), None);
    }
}
