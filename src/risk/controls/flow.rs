//! 12 and 13: is this the same order again, and are there too many of them?

use super::{Finding, Judged, block, count, number, pass, possible, text};
use crate::domain::control::Measured;
use crate::domain::instrument::Instrument;
use crate::domain::order::OrderAction;

impl Judged<'_> {
    pub(super) fn duplicate(&self) -> Finding {
        let within = self.config.duplicate_seconds;
        let limit = text(format!("none alike within {within:.0} s, none of the same intent open"));
        let Some(others) = &self.facts.others else {
            return block(Measured::Unknown, limit, "other orders are not known; refresh with r");
        };
        let mut own: Vec<(&Instrument, OrderAction)> =
            self.ticket.legs.iter().map(|leg| (&leg.instrument, leg.action)).collect();
        own.sort();
        let mut nearest: Option<f64> = None;
        for other in others {
            if other.reference == self.ticket.reference {
                return block(
                    text("sent before"),
                    limit,
                    "this very order was sent before; look at it with O, and stage a new one if it is wanted",
                );
            }
            if other.account != self.ticket.account {
                continue;
            }
            if other.may_work && other.trade == self.ticket.trade && other.closing == self.ticket.is_closing()
            {
                return block(
                    text("same intent open"),
                    limit,
                    "an order of the same intent is open or unknown; cancel it first, O lists it",
                );
            }
            let mut legs: Vec<(&Instrument, OrderAction)> =
                other.legs.iter().map(|(instrument, action)| (instrument, *action)).collect();
            legs.sort();
            if legs != own {
                continue;
            }
            match other.age_seconds.and_then(possible) {
                None => {
                    return block(
                        Measured::Unknown,
                        limit,
                        "a like order was sent at a time that is not known; look at it with O",
                    );
                }
                Some(age) if age < within => {
                    return block(
                        number(age),
                        limit,
                        format!(
                            "a like order was sent {age:.0} s ago; wait {:.0} s if another is wanted",
                            (within - age).ceil()
                        ),
                    );
                }
                Some(age) => nearest = Some(nearest.map_or(age, |known| known.min(age))),
            }
        }
        pass(nearest.map_or_else(|| text("none"), number), limit)
    }

    pub(super) fn rate(&self) -> Finding {
        let config = self.config;
        let (what, minute_most, day_most) = if self.replacing {
            ("replacements", config.replacements_per_minute, config.replacements_per_day)
        } else {
            ("orders", config.orders_per_minute, config.orders_per_day)
        };
        let Some(sent) = &self.facts.sent else {
            return block(
                Measured::Unknown,
                count(minute_most),
                "how many orders were sent is not known; start cotrader again",
            );
        };
        let (minute, day) = if self.replacing {
            (sent.replacements_minute, sent.replacements_day)
        } else {
            (sent.orders_minute, sent.orders_day)
        };
        if day >= day_most {
            return block(
                count(day),
                count(day_most),
                format!(
                    "{day} {what} were sent today, the most is {day_most}; raise it under `orders:` if that is meant"
                ),
            );
        }
        if minute >= minute_most {
            return block(
                count(minute),
                count(minute_most),
                format!("{minute} {what} in the last minute, the most is {minute_most}; wait a minute"),
            );
        }
        pass(count(minute.saturating_add(1)), count(minute_most))
    }
}
