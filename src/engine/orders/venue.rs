//! Where an order goes: in which account it stands, and whether this run may send there. An account on paper is
//! another account than the broker's, so that what is traded in the one is never held in the other.

use crate::domain::control::Venue;
use crate::domain::{AccountId, Refusal, Trade, TradeState};
use crate::engine::Engine;
use crate::snapshot::Mode;

impl Engine {
    /// Where orders of the account go in this run.
    pub(in crate::engine) fn venue(&self, account: AccountId) -> Result<Venue, Refusal> {
        if account.is_paper() {
            return Ok(Venue::Paper);
        }
        match self.config.mode {
            Mode::Demo | Mode::Sim => Ok(Venue::Simulator),
            Mode::Sandbox => Ok(Venue::Sandbox),
            Mode::Live => Ok(Venue::Live),
            Mode::Paper => Err(self.only_read()),
        }
    }

    /// The broker's account in a run on paper.
    fn only_read(&self) -> Refusal {
        let missing: Vec<&str> = self.config.orders.missing.iter().map(|yes| yes.words()).collect();
        let remedy = if missing.is_empty() {
            "start cotrader without --paper and without paper_only".to_owned()
        } else {
            format!("for real money give {}, and start cotrader again", missing.join(" and "))
        };
        let why = "it stands in the broker's account, which is only read in PAPER mode".to_owned();
        Refusal::OnlyRead { why, remedy }
    }

    /// The account that an order of the trade stands in. What is held is closed where it is held; what is opened
    /// goes where this run trades, and what is hypothetical is traded on paper wherever that is.
    pub(super) fn account_of(&self, trade: &Trade) -> Result<AccountId, Refusal> {
        let held = trade.portfolio.and_then(|id| self.books.portfolios.get(&id));
        let begun = trade.state == TradeState::Executed;
        if let Some(account) = trade.account.filter(|_| begun) {
            return self.venue(account).map(|_| account);
        }
        if let Some(held) = held.filter(|held| held.portfolio.hypothetical) {
            return Ok(AccountId::of_hypothetical(&held.portfolio.key));
        }
        let home = held.and_then(|held| held.account).or(trade.account.map(AccountId::of_record));
        let account = home.ok_or_else(|| Refusal::NotOrderable {
            why: "it is in no account: route it to a portfolio first (m)".to_owned(),
        })?;
        Ok(if self.config.mode == Mode::Paper { account.on_paper() } else { account })
    }
}
