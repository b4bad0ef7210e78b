//! Where an order of ours stands, and what can move it. A timeout is never read as a refusal: `Unknown`
//! leaves only by evidence from the broker or by the trader's written decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Checked and ready; nothing has been sent.
    Staged,
    /// The intent is durable; the one request is on its way or its answer is.
    Submitting,
    Working,
    /// The request had no readable answer.
    Unknown,
    Filled,
    /// Ended with some legs or contracts filled and some not.
    PartlyFilled,
    Cancelled,
    Expired,
    Rejected,
    /// Withdrawn before anything was sent, or written off by the trader.
    Dropped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStep {
    Send,
    Accept,
    Refuse,
    Lose,
    Fill,
    EndPartlyFilled,
    Cancel,
    Expire,
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {from:?} cannot {step:?}")]
pub struct IllegalOrderStep {
    pub from: OrderState,
    pub step: OrderStep,
}

impl OrderState {
    /// The one table of legal moves.
    pub fn next(self, step: OrderStep) -> Result<Self, IllegalOrderStep> {
        use OrderState as S;
        use OrderStep as T;
        match (self, step) {
            (S::Staged, T::Send) => Ok(S::Submitting),
            (S::Staged | S::Unknown, T::Drop) => Ok(S::Dropped),
            (S::Submitting | S::Unknown | S::Working, T::Accept) => Ok(S::Working),
            (S::Submitting | S::Unknown | S::Working, T::Refuse) => Ok(S::Rejected),
            // Working: the broker says that it has ended, and nothing readable says how.
            (S::Submitting | S::Working, T::Lose) => Ok(S::Unknown),
            (S::Submitting | S::Unknown | S::Working | S::PartlyFilled, T::Fill) => Ok(S::Filled),
            (S::Submitting | S::Unknown | S::Working, T::EndPartlyFilled) => Ok(S::PartlyFilled),
            (S::Submitting | S::Unknown | S::Working, T::Cancel) => Ok(S::Cancelled),
            (S::Submitting | S::Unknown | S::Working, T::Expire) => Ok(S::Expired),
            // A fill may be told after the end was: the exchange was faster than the cancel.
            // A replacement is rejected because what it was to replace has filled.
            (S::Cancelled | S::Expired | S::Rejected, T::Fill) => Ok(S::Filled),
            (S::Cancelled | S::Expired | S::Rejected, T::EndPartlyFilled) => Ok(S::PartlyFilled),
            // What was written off turned out to exist.
            (S::Dropped, T::Accept) => Ok(S::Working),
            (S::Dropped, T::Fill) => Ok(S::Filled),
            (S::Dropped, T::EndPartlyFilled) => Ok(S::PartlyFilled),
            (from, step) => Err(IllegalOrderStep { from, step }),
        }
    }

    /// The broker may hold it.
    pub fn may_work(self) -> bool {
        matches!(self, Self::Submitting | Self::Working | Self::Unknown)
    }

    pub fn has_ended(self) -> bool {
        !self.may_work() && self != Self::Staged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [OrderState; 10] = [
        OrderState::Staged,
        OrderState::Submitting,
        OrderState::Working,
        OrderState::Unknown,
        OrderState::Filled,
        OrderState::PartlyFilled,
        OrderState::Cancelled,
        OrderState::Expired,
        OrderState::Rejected,
        OrderState::Dropped,
    ];
    const STEPS: [OrderStep; 9] = [
        OrderStep::Send,
        OrderStep::Accept,
        OrderStep::Refuse,
        OrderStep::Lose,
        OrderStep::Fill,
        OrderStep::EndPartlyFilled,
        OrderStep::Cancel,
        OrderStep::Expire,
        OrderStep::Drop,
    ];

    #[test]
    fn an_order_is_sent_once() {
        for from in STATES {
            assert_eq!(from.next(OrderStep::Send).is_ok(), from == OrderState::Staged, "{from:?}");
        }
    }

    #[test]
    fn the_unknown_is_never_sent_again_and_never_ends_by_itself() {
        let leaves: Vec<OrderState> =
            STEPS.iter().filter_map(|step| OrderState::Unknown.next(*step).ok()).collect();
        assert!(!leaves.contains(&OrderState::Submitting) && !leaves.contains(&OrderState::Staged));
        assert_eq!(OrderState::Submitting.next(OrderStep::Lose), Ok(OrderState::Unknown));
    }

    #[test]
    fn a_filled_order_stays_so_and_only_a_fill_moves_one_that_has_ended() {
        use OrderState as S;
        for step in STEPS {
            let from = S::Filled;
            assert_eq!(from.next(step), Err(IllegalOrderStep { from, step }));
        }
        for from in [S::Rejected, S::Cancelled, S::Expired] {
            let moves: Vec<S> = STEPS.iter().filter_map(|step| from.next(*step).ok()).collect();
            assert_eq!(moves, [S::Filled, S::PartlyFilled], "{from:?}");
        }
    }
}
