//! Between the broker's side and the engine: the paper broker hears what the engine hears, and what the market
//! then does to its orders goes to the engine like any other word of a broker.
//!
//! Never: changes, delays or drops what passes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::broker::paper::PaperDesk;
use crate::engine::Input;

/// Time alone ends orders, and opens the session.
const EVERY: Duration = Duration::from_secs(1);

/// Passes inputs on until either side is gone.
pub async fn run(paper: Arc<PaperDesk>, mut inputs: mpsc::Receiver<Input>, engine: mpsc::Sender<Input>) {
    let mut second = tokio::time::interval(EVERY);
    second.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            input = inputs.recv() => {
                let Some(input) = input else { return };
                let trades = heard(&paper, &input);
                if engine.send(input).await.is_err() {
                    return;
                }
                if trades && tell(&paper, &engine).await.is_err() {
                    return;
                }
            }
            _ = second.tick() => {
                if tell(&paper, &engine).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// Whether it can have moved an order.
fn heard(paper: &PaperDesk, input: &Input) -> bool {
    match input {
        Input::Market(updates) => paper.hear(updates),
        Input::Link { link, state } => {
            paper.link(*link, state.clone());
            false
        }
        Input::Alive { link } => {
            paper.alive(*link);
            false
        }
        Input::Accounts(report) => {
            paper.accounts(report);
            false
        }
        _ => false,
    }
}

async fn tell(paper: &PaperDesk, engine: &mpsc::Sender<Input>) -> Result<(), mpsc::error::SendError<Input>> {
    for report in paper.trade() {
        engine.send(Input::Order(Box::new(report))).await?;
    }
    Ok(())
}
