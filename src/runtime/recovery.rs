//! Start is recovery; there is no other start: open the store, replay it, and say what can be recorded.

use std::path::Path;

use crate::containers::Containers;
use crate::domain::ReadOnly;
use crate::store::{Access, Damage, Store, StoreError};

pub struct Recovered {
    pub store: Store,
    pub books: Containers,
    /// Why nothing can be recorded; `None` when everything can.
    pub read_only: Option<ReadOnly>,
    pub damage: Option<Damage>,
    /// Events that this version does not know.
    pub skipped: u64,
}

/// Opens for writing; beside another process, or damaged, read-only.
pub fn open(dir: &Path) -> Result<Recovered, StoreError> {
    let (opened, held_by) = match Store::open(dir, Access::ReadWrite) {
        Err(StoreError::Locked { pid, since, .. }) => {
            (Store::open(dir, Access::ReadOnly)?, Some(ReadOnly::Held { pid, since }))
        }
        other => (other?, None),
    };
    let damaged = opened.damage.as_ref().map(|damage| ReadOnly::Damaged(damage.to_string()));
    let mut books = Containers::default();
    // A damaged log is shown as far as it reads.
    let replayed = opened.store.replay(1, |recorded| books.apply(recorded));
    let skipped = match replayed {
        Ok(replayed) => replayed.skipped.values().sum(),
        Err(error) if opened.damage.is_some() => {
            tracing::error!(%error, "the damaged store was read up to here");
            0
        }
        Err(error) => return Err(error),
    };
    Ok(Recovered {
        store: opened.store,
        books,
        read_only: damaged.or(held_by),
        damage: opened.damage,
        skipped,
    })
}
