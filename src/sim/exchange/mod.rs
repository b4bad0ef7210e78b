//! The accounts of the simulated broker and the exchange their orders work at, behind one short-held lock.
//!
//! Never: holds prices (those stay functions of the world and of time), waits while it holds the lock, tells
//! anybody of something that is not kept.

pub mod desk;
pub mod fees;
pub mod hours;
mod keep;
pub mod ledger;
pub mod matching;
mod night;
pub mod order;
pub mod preflight;
pub mod trading;
mod transitions;
pub mod venue;

use std::sync::{Mutex, PoisonError};

use tokio::sync::broadcast;

use crate::domain::time::Timestamp;

use super::SimError;
use super::world::Market;
use super::world::book::AccountBook;
pub use keep::{KeptAccounts, kept_until};
pub use matching::FillModel;
pub use venue::{Halt, Notice, Rules, Venue, halted};

/// Messages that a slow listener may be behind; then it is cut off and reads anew.
const MOST_BEHIND: usize = 4_096;

#[derive(Debug)]
pub struct Exchange {
    venue: Mutex<Venue>,
    model: FillModel,
    halts: Vec<Halt>,
    notices: broadcast::Sender<Notice>,
    /// One settling at a time, so that messages leave in the order of the events.
    turn: tokio::sync::Mutex<()>,
    kept: Option<KeptAccounts>,
}

/// How the exchange is set up.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub model: FillModel,
    pub halts: Vec<Halt>,
    pub kept: Option<KeptAccounts>,
}

impl Exchange {
    /// Goes on from what is kept, or begins with these books.
    pub fn open(
        seed: u64,
        books: impl FnOnce() -> Vec<AccountBook>,
        at: Timestamp,
        setup: Setup,
    ) -> Result<Self, SimError> {
        let found = setup.kept.as_ref().map(keep::read).transpose()?.flatten();
        let venue = found.unwrap_or_else(|| Venue::new(seed, books(), at));
        Ok(Self {
            venue: Mutex::new(venue),
            model: setup.model,
            halts: setup.halts,
            notices: broadcast::channel(MOST_BEHIND).0,
            turn: tokio::sync::Mutex::default(),
            kept: setup.kept,
        })
    }

    pub fn listen(&self) -> broadcast::Receiver<Notice> {
        self.notices.subscribe()
    }

    pub fn halts(&self) -> &[Halt] {
        &self.halts
    }

    /// A look at, or a change of, the accounts. What it says is told by the next `settle`.
    pub fn with<T>(&self, f: impl FnOnce(&mut Venue) -> T) -> T {
        f(&mut self.venue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn rules<'a>(&'a self, market: &'a dyn Market) -> Rules<'a> {
        Rules { market, model: self.model, halts: &self.halts }
    }

    /// Lets happen what is due, keeps it, then tells it.
    pub async fn settle(&self, market: &dyn Market, now: Timestamp) {
        let _turn = self.turn.lock().await;
        let rules = self.rules(market);
        let (news, kept) = self.with(|venue| {
            if venue.is_due(now) {
                venue.advance(&rules, now);
            }
            venue.at = venue.at.max(now);
            let (news, changed) = venue.take_news();
            let kept = self.kept.as_ref().filter(|kept| changed && !kept.is_foreign);
            (news, kept.map(|kept| (kept.file.clone(), keep::text(kept, venue))))
        });
        if let Some((file, text)) = kept {
            let write = move || -> std::io::Result<()> { keep::write(&file, &text?) };
            let written = tokio::task::spawn_blocking(write).await;
            if let Err(error) = written.map_err(std::io::Error::other).flatten() {
                tracing::error!(%error, "the simulated accounts could not be kept");
            }
        }
        for notice in news {
            // Nobody listening is no fault.
            let _ = self.notices.send(notice);
        }
    }
}
