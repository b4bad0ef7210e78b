//! 1 to 5: may anything go out at all, now, on this market?

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::facts::{Kill, LegFacts};
use super::{Finding, Judged, block, number, pass, text, warn};
use crate::domain::control::{KillMode, Measured, OptIn};
use crate::domain::freshness::{Standing, Unusable};
use crate::domain::order::OrderLeg;

impl Judged<'_> {
    pub(super) fn opt_in(&self) -> Finding {
        let limit = text("opted in, account listed");
        let Some(opt_in) = self.facts.opt_in else {
            return block(
                Measured::Unknown,
                limit,
                "it is not known whether this mode may trade; start cotrader again",
            );
        };
        let mode = text(if opt_in.is_live() { "live" } else { "rehearsal" });
        match self.facts.account_listed {
            Some(true) => {}
            Some(false) => {
                return block(
                    mode,
                    limit,
                    "this account may not trade; add it to `orders: accounts:` in cotrader.yaml",
                );
            }
            None => return block(mode, limit, "the order's account is not known; refresh with r"),
        }
        match opt_in {
            OptIn::Rehearsal => pass(mode, limit),
            OptIn::Live(_) => match self.not_confirmed() {
                Some(why) => block(mode, text("confirmed, account listed"), why),
                None => pass(mode, text("confirmed, account listed")),
            },
        }
    }

    /// The third yes. A replacement needs none of its own within the worst price that was confirmed.
    fn not_confirmed(&self) -> Option<&'static str> {
        let Some(confirmed) = &self.facts.confirmation else {
            return Some("a live order needs symbol and quantity typed; confirm it again");
        };
        if !self.ticket.limit.is_within(confirmed.worst) {
            return Some("the limit is past the worst price that was confirmed; confirm the order anew");
        }
        if self.replacing {
            return None;
        }
        if self.facts.body_hash.as_ref() != Some(&confirmed.body_hash) || confirmed.body_hash.is_empty() {
            return Some("the order is not the one that was confirmed; confirm it again");
        }
        // Written so that what is no number does not pass.
        if !(0.0..=self.config.confirmation_seconds).contains(&confirmed.age_seconds) {
            return Some("the confirmation is too old; confirm the order again");
        }
        None
    }

    /// Nothing new under a raised switch; what only reduces risk still goes, because flattening is what the
    /// hard one proposes.
    pub(super) fn kill_switch(&self) -> Finding {
        let limit = text("off");
        let (mode, word) = match self.facts.kill {
            Some(Kill::Off) => return pass(text("off"), limit),
            None => {
                return block(
                    Measured::Unknown,
                    limit,
                    "the kill switch cannot be read; start cotrader again",
                );
            }
            Some(Kill::Up(mode @ KillMode::Safe)) => (mode, "safe"),
            Some(Kill::Up(mode @ KillMode::Hard)) => (mode, "hard"),
        };
        if self.reduces_risk() {
            return warn(text(word), limit, format!("the kill switch is {word}; this only reduces risk"));
        }
        let and = if mode == KillMode::Hard { "; only closing what is held is left" } else { "" };
        block(
            text(word),
            limit,
            format!("the kill switch is {word}{and}; reset it with Ctrl-k r or `cotrader kill --reset`"),
        )
    }

    pub(super) fn health(&self) -> Finding {
        let limit = text("store writable, reconciled today, nothing unknown, no alarm");
        let health = &self.facts.health;
        let no = |found: Measured, why: String| block(found, limit.clone(), why);
        match health.store_writable {
            Some(true) => {}
            Some(false) => {
                return no(
                    text("store not writable"),
                    "nothing can be recorded, so nothing is sent; `cotrader doctor` says why".into(),
                );
            }
            None => {
                return no(
                    Measured::Unknown,
                    "the state of the store is not known; start cotrader again".into(),
                );
            }
        }
        match health.reconciled_today {
            Some(true) => {}
            Some(false) => {
                return no(
                    text("not reconciled today"),
                    "positions have not been read today; refresh with r".into(),
                );
            }
            None => {
                return no(
                    Measured::Unknown,
                    "it is not known whether positions were read today; refresh with r".into(),
                );
            }
        }
        match health.unknown_orders {
            Some(0) => {}
            Some(orders) => {
                let many =
                    if orders == 1 { "one order is".to_owned() } else { format!("{orders} orders are") };
                return no(
                    text(format!("{orders} unknown")),
                    format!("{many} unknown; wait until the broker shows the truth, O lists them"),
                );
            }
            None => {
                return no(
                    Measured::Unknown,
                    "it is not known how the open orders stand; refresh with r".into(),
                );
            }
        }
        match health.alarms.as_deref() {
            Some([]) => pass(text("well"), limit),
            Some([first, rest @ ..]) => {
                let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
                no(
                    text(format!("{} alarm(s)", rest.len() + 1)),
                    format!("alarm: {first}{more}; look at the broker's own platform, then clear it"),
                )
            }
            None => {
                no(Measured::Unknown, "it is not known whether an alarm stands; start cotrader again".into())
            }
        }
    }

    pub(super) fn session(&self) -> Finding {
        let session = &self.facts.session;
        let last = self.config.last_seconds;
        let limit = text(format!("open, not halted, more than {last:.0} s to close"));
        match session.open {
            Some(true) => {}
            Some(false) => {
                return block(text("closed"), limit, "the session is closed; send it when it is open");
            }
            None => return block(Measured::Unknown, limit, "the session is not known; refresh with r"),
        }
        match session.halted {
            Some(false) => {}
            Some(true) => {
                return block(text("halted"), limit, "the underlying is halted; wait until it trades again");
            }
            None => {
                return block(
                    Measured::Unknown,
                    limit,
                    "it is not known whether the underlying is halted; refresh with r",
                );
            }
        }
        match session.seconds_to_close.filter(|seconds| seconds.is_finite()) {
            None => block(Measured::Unknown, limit, "the time to the close is not known; refresh with r"),
            Some(left) if left <= 0.0 => {
                block(number(left), limit, "the session has closed; send it when it is open")
            }
            Some(left) if left > last => pass(number(left), limit),
            Some(left) if self.ticket.is_closing() => {
                warn(number(left), limit, format!("{left:.0} s to the close; a closing order still goes"))
            }
            Some(left) => block(
                number(left),
                limit,
                format!("{left:.0} s to the close: only closing orders go out now; open it tomorrow"),
            ),
        }
    }

    /// The oldest leg's age against the limit.
    pub(super) fn freshness(&self) -> Finding {
        let limit = number(self.config.quote_age_seconds);
        let skew = match self.facts.clock_skew_seconds.filter(|skew| skew.is_finite()) {
            Some(skew) => skew.abs(),
            None => {
                return block(Measured::Unknown, limit, "the broker's clock is not known; refresh with r");
            }
        };
        if skew > self.config.clock_skew_seconds {
            return block(
                number(skew),
                number(self.config.clock_skew_seconds),
                format!("this computer's clock is {skew:.0} s off the broker's; set it from the network"),
            );
        }
        if self.facts.legs.len() != self.ticket.legs.len() || self.ticket.legs.is_empty() {
            return block(Measured::Unknown, limit, "not every leg has a quote; refresh with r");
        }
        let mut oldest = 0.0_f64;
        let mut remark = None;
        for (leg, facts) in self.ticket.legs.iter().zip(&self.facts.legs) {
            match self.leg_is_fresh(leg, facts) {
                Fresh::Yes(age) => oldest = oldest.max(age),
                Fresh::ButWide(age, why) => {
                    oldest = oldest.max(age);
                    remark.get_or_insert(why);
                }
                Fresh::No(found, why) => return block(found, limit, why),
            }
        }
        match remark {
            None => pass(number(oldest), limit),
            Some(why) => warn(number(oldest), limit, why),
        }
    }

    fn leg_is_fresh(&self, leg: &OrderLeg, facts: &LegFacts) -> Fresh {
        let name = leg.instrument.broker_symbol();
        let no = |found, why: &str| Fresh::No(found, format!("{name}: {why}"));
        let Some(quote) = &facts.quote else {
            return no(Measured::Unknown, "no quote; refresh with r");
        };
        let closing = self.ticket.is_closing();
        match quote.standing {
            Standing::Live => {}
            // What is worth nothing can still be bought back.
            Standing::Unusable(Unusable::ZeroBid) if closing && quote.two_sided().is_some() => {}
            Standing::StaleSeconds(age) => {
                return no(text(format!("stale, {age} s")), "its quote is stale; wait for the link, or r");
            }
            Standing::Unusable(why) => {
                return no(text(why.words()), &format!("{}; wait for a market in it", why.words()));
            }
        }
        let age = match quote.age_seconds.and_then(super::possible) {
            None => return no(Measured::Unknown, "the age of its quote is not known; refresh with r"),
            Some(age) if age > self.config.quote_age_seconds => {
                return no(number(age), "its quote is old; read it again with r");
            }
            Some(age) => age,
        };
        let Some((bid, ask)) = quote.two_sided() else {
            let crossed = matches!((quote.bid, quote.ask), (Some(bid), Some(ask)) if bid > ask);
            let found = if crossed { "crossed quote" } else { "no two-sided quote" };
            return no(text(found), &format!("{found}; wait for a market in it"));
        };
        if bid.is_zero() && !closing {
            return no(text("no bid"), "no bid; take a strike that has one");
        }
        let (spread, mid) = (ask - bid, (ask + bid) / Decimal::TWO);
        let most = (self.config.spread_share * mid).max(self.config.spread_dollars);
        if spread <= most {
            return Fresh::Yes(age);
        }
        let why = format!("{name}: spread {spread} is over {}", most.round_dp(2));
        if closing {
            return Fresh::ButWide(age, format!("{why}; the collar still holds"));
        }
        Fresh::No(
            spread.to_f64().map_or(Measured::Unknown, number),
            format!("{why}; wait until it narrows, or take another strike"),
        )
    }
}

enum Fresh {
    Yes(f64),
    ButWide(f64, String),
    No(Measured, String),
}
