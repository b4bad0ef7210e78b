//! The store as a whole, mostly through its public face.

mod append;
mod copies;
mod damage;

use super::Store;
use crate::domain::event::Recorded;

fn everything(store: &Store) -> Vec<Recorded> {
    let mut all = Vec::new();
    let replayed = store.replay(1, |event| all.push(event.clone())).expect("replays");
    assert_eq!(replayed.events, all.len() as u64);
    all
}
