//! 8, 10, 11, 14 and 16: what the order can lose, what it ties up, and what it does to the limits.

use super::{Finding, Judged, block, count, number, pass, possible, text, warn};
use crate::domain::control::Measured;
use crate::domain::limit::{LimitId, LimitState};
use crate::domain::money::Money;
use crate::domain::trade::{LimitChange, Verdict};

/// A limit that is switched off is there and says so.
const REQUIRED: [LimitId; 2] = [LimitId::L1, LimitId::L5];

impl Judged<'_> {
    pub(super) fn worst_case(&self) -> Finding {
        let worst = &self.facts.worst_case;
        let limit = worst.most_loss.map_or(Measured::Unknown, number);
        let value = worst.loss_after.map_or(Measured::Unknown, number);
        if self.reduces_risk() {
            return pass(value, limit);
        }
        match (worst.defined_after, worst.undefined_permitted) {
            (Some(true), _) | (Some(false), Some(true)) => {}
            (Some(false), Some(false)) => {
                return block(
                    value,
                    limit,
                    "its loss has no end, and the portfolio does not permit that; buy a wing, or take another portfolio",
                );
            }
            (None, _) => {
                return block(
                    value,
                    limit,
                    "it is not known whether its loss has an end; evaluate the trade again",
                );
            }
            (Some(false), None) => {
                return block(
                    value,
                    limit,
                    "it is not known whether the portfolio permits risk without an end; evaluate it again",
                );
            }
        }
        match worst.notional.and_then(possible) {
            None => {
                return block(
                    Measured::Unknown,
                    number(self.config.notional),
                    "what the order turns over is not known: the underlying has no price; refresh with r",
                );
            }
            Some(notional) if notional > self.config.notional => {
                return block(
                    number(notional),
                    number(self.config.notional),
                    format!(
                        "it turns over {notional:.0} dollars, the most is {:.0}; take fewer, or raise `orders: notional`",
                        self.config.notional
                    ),
                );
            }
            Some(_) => {}
        }
        let Some(loss) = worst.loss_after.and_then(possible) else {
            return block(
                Measured::Unknown,
                limit,
                "what the trade can lose is not known; refresh with r and evaluate it again",
            );
        };
        match worst.most_loss.and_then(possible) {
            None => block(
                number(loss),
                Measured::Unknown,
                "the portfolio's limit for a trade's loss is not known; set it under `orders: trade_loss:` in cotrader.yaml",
            ),
            Some(most) if loss > most => block(
                number(loss),
                number(most),
                format!(
                    "the trade can lose {loss:.0}, the most is {most:.0}; take fewer lots or a narrower width"
                ),
            ),
            Some(most) if loss > 0.8 * most => {
                warn(number(loss), number(most), format!("the trade can lose {loss:.0} of at most {most:.0}"))
            }
            Some(most) => pass(number(loss), number(most)),
        }
    }

    pub(super) fn buying_power(&self) -> Finding {
        let equity = self.facts.equity.map(Money::to_f64).and_then(possible);
        let reserve = equity.map(|equity| equity * self.config.reserve_share);
        let limit = reserve.map_or(Measured::Unknown, number);
        let no = |found: Measured, why: String| block(found, limit.clone(), why);
        let Some(dry_run) = &self.facts.dry_run else {
            return no(
                Measured::Unknown,
                "the broker has not been asked about this order; evaluate it again".into(),
            );
        };
        if dry_run.body_hash.is_empty() || self.facts.body_hash.as_ref() != Some(&dry_run.body_hash) {
            return no(
                text("another order"),
                "the broker was asked about another order; evaluate it again".into(),
            );
        }
        match dry_run.age_seconds.and_then(possible) {
            None => {
                return no(
                    Measured::Unknown,
                    "the age of the broker's answer is not known; evaluate again".into(),
                );
            }
            Some(age) if age > self.config.dry_run_seconds => {
                return no(
                    text(format!("asked {age:.0} s ago")),
                    format!("the broker's answer is {age:.0} s old; evaluate the order again"),
                );
            }
            Some(_) => {}
        }
        if let Some(error) = &dry_run.error {
            return no(text("refused"), format!("the broker would refuse it: {error}; change the order"));
        }
        let Some(after) = dry_run.buying_power_after.map(Money::to_f64).filter(|after| after.is_finite())
        else {
            return no(
                Measured::Unknown,
                "the broker did not say what buying power is left; evaluate it again".into(),
            );
        };
        let Some(reserve) = reserve else {
            return no(number(after), "the account's value is not known; refresh with r".into());
        };
        if after < reserve {
            // What frees buying power is the way out of having too little.
            let frees = dry_run.buying_power_change.is_some_and(|change| !change.is_negative());
            return if frees && self.ticket.is_closing() {
                warn(number(after), number(reserve), "under the reserve, but the order ties up nothing more")
            } else {
                no(
                    number(after),
                    format!(
                        "{after:.0} of buying power would be left, the reserve is {reserve:.0}; take fewer, or close something first"
                    ),
                )
            };
        }
        match &dry_run.warning {
            None => pass(number(after), number(reserve)),
            Some(warning) => warn(number(after), number(reserve), format!("the broker warns: {warning}")),
        }
    }

    /// The highest utilisation after, and what stands in the way.
    pub(super) fn portfolio_limits(&self) -> Finding {
        let limit = number(1.0);
        let closing = self.reduces_risk();
        let Some(limits) = self.facts.limits.as_deref().filter(|limits| !limits.is_empty()) else {
            let why = "the portfolio's limits after the trade are not known; evaluate it again";
            return if closing {
                warn(Measured::Unknown, limit, why)
            } else {
                block(Measured::Unknown, limit, why)
            };
        };
        let judged: Vec<(Verdict, f64, String)> =
            limits.iter().map(|change| judge(change, closing)).collect();
        let worst = judged.iter().max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let missing = REQUIRED.iter().find(|id| !limits.iter().any(|change| change.limit == **id));
        if let Some(missing) = missing.filter(|_| !closing) {
            let why = format!("{} after the trade was not computed; evaluate it again", missing.words());
            return block(Measured::Unknown, limit, why);
        }
        let Some((verdict, used, why)) = worst else {
            return block(Measured::Unknown, limit, "no limit was looked at; evaluate it again");
        };
        match verdict {
            Verdict::Pass => pass(number(*used), limit),
            Verdict::Warn => warn(number(*used), limit, why.clone()),
            Verdict::Block => block(number(*used), limit, why.clone()),
        }
    }

    pub(super) fn open_orders(&self) -> Finding {
        let most = self.config.open_orders;
        let Some(open) = self.facts.open_orders.count else {
            return block(
                Measured::Unknown,
                count(most),
                "how many orders are open is not known; refresh with r",
            );
        };
        if open >= most {
            return block(
                count(open),
                count(most),
                format!("{open} orders are open, the most is {most}; cancel one first, O lists them"),
            );
        }
        if self.reduces_risk() {
            return pass(count(open.saturating_add(1)), count(most));
        }
        let Some(loss) = self.facts.open_orders.loss_if_all_fill.and_then(possible) else {
            return block(
                Measured::Unknown,
                count(most),
                "what the open orders could lose together is not known; refresh with r",
            );
        };
        let equity = self.facts.equity.map(Money::to_f64).and_then(possible);
        let Some(room) = equity.map(|equity| equity * self.config.open_loss_share) else {
            return block(
                number(loss),
                Measured::Unknown,
                "the account's value is not known; refresh with r",
            );
        };
        if loss > room {
            return block(
                number(loss),
                number(room),
                format!(
                    "all open orders together could lose {loss:.0}, the most is {room:.0}; cancel one first"
                ),
            );
        }
        pass(count(open.saturating_add(1)), count(most))
    }

    pub(super) fn day_loss(&self) -> Finding {
        let day = &self.facts.day;
        let pnl = day.pnl.filter(|pnl| pnl.is_finite());
        let most = day.most_loss.and_then(possible);
        let (value, limit) =
            (pnl.map_or(Measured::Unknown, number), most.map_or(Measured::Unknown, |most| number(-most)));
        match (pnl, most) {
            (Some(pnl), Some(most)) if pnl > -most => pass(value, limit),
            (Some(_), Some(_)) if self.reduces_risk() => {
                warn(value, limit, "the day's loss limit is reached; this only reduces risk")
            }
            (Some(pnl), Some(most)) => block(
                value,
                limit,
                format!(
                    "the day's loss of {:.0} has reached the limit of {most:.0}; only what reduces risk goes out today",
                    -pnl
                ),
            ),
            _ if self.reduces_risk() => {
                warn(value, limit, "the day's result is not known; this only reduces risk")
            }
            (None, _) => block(value, limit, "the day's result is not known; refresh with r"),
            (_, None) => block(
                value,
                limit,
                "the portfolio's limit for a day's loss is not known; set it under `orders: day_loss:` in cotrader.yaml",
            ),
        }
    }
}

/// One limit after the trade. Its state is told anew from the figure: a state that says more than its figure
/// is not believed.
fn judge(change: &LimitChange, closing: bool) -> (Verdict, f64, String) {
    let name = change.limit.words();
    let unknown = |why: &str| {
        let verdict = if closing { Verdict::Warn } else { Verdict::Block };
        (verdict, f64::INFINITY, format!("{name} {why}"))
    };
    if change.state == LimitState::Off {
        return (Verdict::Pass, 0.0, String::new());
    }
    let Some(after) = change.after.and_then(possible) else {
        return match change.state {
            LimitState::Breached => unknown("allows nothing at all; take another portfolio"),
            _ => unknown("after the trade is not known; refresh with r and evaluate it again"),
        };
    };
    let state = LimitState::of(after).max(change.state);
    let percent = after * 100.0;
    match state {
        LimitState::Off | LimitState::Within => (Verdict::Pass, after, String::new()),
        LimitState::Near => (Verdict::Warn, after, format!("{name} would be at {percent:.0} %")),
        LimitState::Unknown => unknown("after the trade is not known; refresh with r"),
        LimitState::Breached => match change.before.and_then(possible) {
            Some(before) if after <= before + 1e-12 => {
                (Verdict::Warn, after, format!("{name} would be at {percent:.0} %, no more than before"))
            }
            _ => (
                Verdict::Block,
                after,
                format!("{name} would be at {percent:.0} %; take fewer lots, or reduce something first"),
            ),
        },
    }
}
