//! Parts that may fail without taking the cockpit along: a panic in one is caught, logged and told.
//!
//! Never: decides what a failure means for the figures; the engine does.

use std::any::Any;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::domain::text::clean;
use crate::engine::{Input, Part};

thread_local! {
    /// What runs on this thread right now is watched. The panic hook has no other way to know.
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread ends a part of the cockpit only.
pub fn is_watched() -> bool {
    WATCHED.get()
}

/// The panic of `work` in words. Nothing that it has half changed may be looked at again.
pub fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let before = WATCHED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(work));
    WATCHED.set(before);
    result.map_err(|payload| words(payload.as_ref()))
}

/// The same for a future: it is not polled again after a panic.
pub async fn watched<F: Future>(part: F) -> Result<F::Output, String> {
    let mut part = pin!(part);
    poll_fn(|context| match caught(|| part.as_mut().poll(context)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(why) => Poll::Ready(Err(why)),
    })
    .await
}

/// A task whose panic the engine is told.
pub fn spawn(
    part: Part,
    work: impl Future<Output = ()> + Send + 'static,
    inputs: mpsc::Sender<Input>,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        if let Err(why) = watched(work).await {
            tracing::error!(?part, why, "a part of the cockpit stopped");
            drop(inputs.send(Input::Stopped { part, why }).await);
        }
    })
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    clean(text.unwrap_or("no message"), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_told_in_its_own_words_and_goes_no_further() {
        assert_eq!(caught(|| 7), Ok(7));
        assert_eq!(caught(|| -> u8 { panic!("no {}", "luck") }), Err("no luck".to_owned()));
        let late = async {
            tokio::task::yield_now().await;
            assert!(is_watched());
            panic!("late");
        };
        assert_eq!(watched(late).await, Err::<(), _>("late".to_owned()));
        assert!(!is_watched());
        assert_eq!(watched(async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn the_engine_is_told_which_part_stopped() {
        let (inputs, mut told) = mpsc::channel(1);
        spawn(Part::Streams, async { panic!("torn") }, inputs).await.expect("caught");
        let Some(Input::Stopped { part: Part::Streams, why }) = told.recv().await else { panic!("not told") };
        assert_eq!(why, "torn");
    }
}
