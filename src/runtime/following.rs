//! A cockpit that may not write follows the one that does: what that one stores is read here, a piece at a
//! time, and handed to the engine task, which applies it as a replay would.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::domain::ReadOnly;
use crate::domain::event::Recorded;
use crate::store::{Follower, Holder, Store, StoreError, last_holder};

use super::supervised;

/// How often the store is asked for something new: a decision shows well within a second.
const EVERY: Duration = Duration::from_millis(300);

#[derive(Debug)]
pub enum News {
    Recorded(Vec<Recorded>),
    /// The process that wrote has ended, or another one writes.
    Writer(ReadOnly),
    /// Said once for each reason; reading is tried again all the same.
    Unreadable(String),
    /// It could not be read, and now it can; there was nothing new.
    Readable,
}

/// Ends with the task that is told, and waits for it: whoever is slow is not flooded. A panic of the reading
/// is its error, and its end.
pub async fn run(store: Store, next: u64, writer: Holder, tell: mpsc::Sender<News>) -> Result<(), String> {
    let Holder { pid, since } = writer;
    let said = ReadOnly::Held { pid, since };
    let mut reading = Reading { store, next, follower: None, said, trouble: None };
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        loop {
            let read = spawn_blocking(move || {
                supervised::caught(move || {
                    let news = reading.on();
                    (reading, news)
                })
            });
            let (back, news) = read.await.map_err(|cancelled| cancelled.to_string())??;
            reading = back;
            let Some(news) = news else { break };
            if tell.send(news).await.is_err() {
                return Ok(());
            }
        }
    }
}

struct Reading {
    store: Store,
    next: u64,
    follower: Option<Follower>,
    /// Who writes, as was said last.
    said: ReadOnly,
    trouble: Option<String>,
}

impl Reading {
    /// What is new, if anything. It waits for the disk.
    fn on(&mut self) -> Option<News> {
        match self.read() {
            Ok(events) if events.is_empty() && self.trouble.take().is_some() => Some(News::Readable),
            Ok(events) if events.is_empty() => self.writer(),
            Ok(events) => {
                self.trouble = None;
                Some(News::Recorded(events))
            }
            Err(error) => {
                let why = error.to_string();
                let new = self.trouble.as_ref() != Some(&why);
                self.trouble = Some(why.clone());
                new.then_some(News::Unreadable(why))
            }
        }
    }

    /// After an error it begins anew, where it was.
    fn read(&mut self) -> Result<Vec<Recorded>, StoreError> {
        let mut follower = match self.follower.take() {
            Some(follower) => follower,
            None => self.store.follow(self.next)?,
        };
        let events = follower.read_on()?;
        self.next = follower.next_seq();
        self.follower = Some(follower);
        Ok(events)
    }

    fn writer(&mut self) -> Option<News> {
        let holder = last_holder(self.store.dir())?;
        let now = if holder.runs() {
            ReadOnly::Held { pid: holder.pid, since: holder.since }
        } else {
            ReadOnly::Released { pid: holder.pid }
        };
        (now != self.said).then(|| {
            self.said = now.clone();
            News::Writer(now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Actor, Event, Meta, NoteKind, NoteRecorded, Pending};
    use crate::domain::id::CountedIds;
    use crate::domain::{CorrelationId, EventId};
    use crate::store::Access;

    fn note(ids: &mut CountedIds, rationale: &str) -> Pending {
        let meta = Meta {
            id: EventId::new(ids),
            occurred_at: chrono::DateTime::UNIX_EPOCH,
            actor: Actor::Trader,
            correlation: CorrelationId::new(ids),
            causation: None,
            key: None,
        };
        let note = NoteRecorded {
            trade: None,
            note_kind: NoteKind::Note,
            underlying: None,
            strategy: None,
            rationale: rationale.to_owned(),
        };
        Pending { meta, event: Event::NoteRecorded(note) }
    }

    #[test]
    fn what_the_writer_stores_is_news_and_so_is_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let writer = Store::open(dir.path(), Access::ReadWrite).unwrap().store;
        let mut ids = CountedIds(0);
        writer.append_blocking(vec![note(&mut ids, "known already")]).unwrap();
        let store = Store::open(dir.path(), Access::ReadOnly).unwrap().store;
        let Holder { pid, since } = last_holder(dir.path()).expect("this process");
        let said = ReadOnly::Held { pid, since };
        let mut reading = Reading { store, next: 2, follower: None, said, trouble: None };
        assert!(reading.on().is_none());
        // More than a piece at once: it comes in order, and in pieces.
        let many = (0..600).map(|n| note(&mut ids, &n.to_string())).collect();
        writer.append_blocking(many).unwrap();
        let mut seqs = Vec::new();
        let mut pieces = 0;
        while let Some(News::Recorded(events)) = reading.on() {
            pieces += 1;
            seqs.extend(events.iter().map(|event| event.seq));
        }
        assert_eq!((seqs, pieces), ((2..=601).collect::<Vec<u64>>(), 2));

        // However little there is to read after a failure, that it could be read is news.
        reading.trouble = Some("the disk is away".into());
        assert!(matches!(reading.on(), Some(News::Readable)));
        assert!(reading.on().is_none(), "said once");

        writer.close();
        let mut gone = std::process::Command::new("true").spawn().unwrap();
        let pid = gone.id();
        gone.wait().unwrap();
        std::fs::write(dir.path().join("cotrader.lock"), format!("{pid} 2026-11-20T15:00:00Z\n")).unwrap();
        assert!(matches!(reading.on(), Some(News::Writer(ReadOnly::Released { pid: of })) if of == pid));
        assert!(reading.on().is_none(), "said once");
    }
}
