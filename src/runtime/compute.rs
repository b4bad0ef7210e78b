//! Heavy maths on blocking workers: one job runs, one waits, the newest wins.

use tokio::sync::{mpsc, watch};

use crate::booking::evaluate::{self, EvaluationJob};
use crate::engine::{Failure, Input, NoChain, RiskDone, RiskJob};
use crate::risk::report;

/// Runs the newest risk question until the sender is gone.
pub async fn risk_worker(mut jobs: watch::Receiver<Option<RiskJob>>, results: mpsc::Sender<Input>) {
    while jobs.changed().await.is_ok() {
        let Some(job) = jobs.borrow_and_update().clone() else { continue };
        let answer = tokio::task::spawn_blocking(move || answer(&job)).await;
        match answer {
            Ok(done) => {
                if results.send(Input::Risk(Box::new(done))).await.is_err() {
                    return;
                }
            }
            Err(failed) => tracing::error!(%failed, "risk could not be computed"),
        }
    }
}

fn answer(job: &RiskJob) -> RiskDone {
    RiskDone {
        revision: job.revision,
        structure: job.structure,
        view: job.view.clone(),
        report: report::compute(&job.book, &job.question),
    }
}

/// Judges one draft.
pub async fn evaluation(booking: u64, job: EvaluationJob, results: mpsc::Sender<Input>) {
    match tokio::task::spawn_blocking(move || evaluate::evaluate(&job)).await {
        Ok(evaluation) => {
            let input = Input::Evaluated { booking, evaluation: Box::new(evaluation) };
            if results.send(input).await.is_err() {
                tracing::debug!("nobody waits for the evaluation any more");
            }
        }
        Err(failed) => {
            tracing::error!(%failed, "a draft could not be evaluated");
            let failure = Failure {
                what: "the draft could not be evaluated".into(),
                remedy: "see the log file".into(),
                remark: false,
            };
            drop(results.send(Input::Chain { booking, chain: Err(NoChain::Failed(failure)) }).await);
        }
    }
}
