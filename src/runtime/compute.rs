//! Heavy maths on blocking workers: one job runs, one waits, the newest wins. A job that fails is told as
//! failed, and the next one is a new chance.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::booking::evaluate::{self, EvaluationJob};
use crate::engine::{Failure, Input, NoChain, RiskDone, RiskJob};
use crate::risk::{report, two_models};

use super::supervised;

/// Runs the newest risk question until the sender is gone.
pub async fn risk_worker(jobs: watch::Receiver<Option<RiskJob>>, results: mpsc::Sender<Input>) {
    work(jobs, results, |job| Input::Risk(Box::new(answer(job)))).await;
}

async fn work<J: Clone + Send + Sync + 'static>(
    mut jobs: watch::Receiver<Option<J>>,
    results: mpsc::Sender<Input>,
    answer: impl Fn(&J) -> Input + Send + Sync + 'static,
) {
    let answer = Arc::new(answer);
    while jobs.changed().await.is_ok() {
        let Some(job) = jobs.borrow_and_update().clone() else { continue };
        let answer = Arc::clone(&answer);
        let answered = in_the_background(move || answer(&job)).await;
        let input = answered.unwrap_or_else(|why| {
            tracing::error!(why, "risk could not be computed");
            Input::RiskFailed { why }
        });
        if results.send(input).await.is_err() {
            return;
        }
    }
}

/// On a thread of its own; a panic there is an error here.
async fn in_the_background<T: Send + 'static>(job: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    match tokio::task::spawn_blocking(move || supervised::caught(job)).await {
        Ok(result) => result,
        Err(cancelled) => Err(cancelled.to_string()),
    }
}

fn answer(job: &RiskJob) -> RiskDone {
    RiskDone {
        revision: job.revision,
        structure: job.structure,
        view: job.view.clone(),
        report: report::compute(&job.book, &job.question),
        models: two_models::compare(&job.pairs, job.units),
    }
}

/// Judges one draft.
pub async fn evaluation(booking: u64, job: EvaluationJob, results: mpsc::Sender<Input>) {
    match in_the_background(move || evaluate::evaluate(&job)).await {
        Ok(evaluation) => {
            let input = Input::Evaluated { booking, evaluation: Box::new(evaluation) };
            if results.send(input).await.is_err() {
                tracing::debug!("nobody waits for the evaluation any more");
            }
        }
        Err(why) => {
            tracing::error!(why, "a draft could not be evaluated");
            let failure = Failure {
                what: format!("the draft could not be evaluated: {why}"),
                remedy: "see the log file".into(),
                remark: false,
            };
            drop(results.send(Input::Chain { booking, chain: Err(NoChain::Failed(failure)) }).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_is_told_and_the_worker_takes_the_next_one() {
        let (jobs, wanted) = watch::channel(None);
        let (results, mut told) = mpsc::channel(1);
        let worker = tokio::spawn(work(wanted, results, |job: &u8| {
            assert!(*job != 1, "job {job} cannot be done");
            Input::Tick
        }));
        jobs.send_replace(Some(1));
        let Some(Input::RiskFailed { why }) = told.recv().await else { panic!("not told") };
        assert!(why.contains("job 1 cannot be done"), "{why}");
        jobs.send_replace(Some(2));
        assert!(matches!(told.recv().await, Some(Input::Tick)));
        drop(jobs);
        worker.await.expect("it ends with its jobs");
    }
}
