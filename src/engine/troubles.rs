//! What is wrong with the cockpit itself: a question of risk that failed, a part that stopped.
//!
//! Never: touches a book or a price.

use std::collections::BTreeMap;

use super::effect::Effect;
use super::input::Part;
use super::{Engine, Step};
use crate::domain::Timestamp;
use crate::market::update::{Link, LinkState};
use crate::snapshot::{Level, Notice};

#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Why the last question of risk has no answer.
    pub risk: Option<String>,
    stopped: BTreeMap<Part, String>,
}

impl Troubles {
    /// For the warnings.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let risk = self.risk.iter().map(|why| format!("risk could not be computed: {why}"));
        risk.chain(self.stopped.iter().map(|(part, why)| stopped(*part, why)))
    }
}

fn stopped(part: Part, why: &str) -> String {
    let what = match part {
        Part::Reads => "reading the broker",
        Part::Streams => "the streams",
        Part::Risk => "the risk worker",
        Part::Shell => "answering shell commands",
    };
    format!("{what} stopped: {why}")
}

impl Engine {
    /// What is on the screen belongs to an earlier picture; of this one nothing is known. The next change of
    /// book or market asks again.
    pub(super) fn risk_failed(&mut self, step: &mut Step, why: String) {
        self.risk = None;
        if self.troubles.risk.replace(why.clone()).is_none() {
            step.effects.push(Effect::Say(Notice {
                level: Level::Error,
                text: format!("risk could not be computed: {why}"),
                remedy: Some("its figures are unknown until it succeeds; r asks again".into()),
            }));
        }
    }

    pub(super) fn part_stopped(&mut self, step: &mut Step, part: Part, why: &str, now: Timestamp) {
        let text = stopped(part, why);
        let links: &[Link] = match part {
            Part::Reads => &[Link::Rest],
            Part::Streams => &[Link::MarketStream, Link::AccountStream],
            Part::Risk | Part::Shell => &[],
        };
        for link in links {
            self.link(step, *link, LinkState::Down { why: text.clone(), retry_in_ms: None }, now);
        }
        if part == Part::Reads {
            // Whatever was under way will not end any more.
            self.refreshing = false;
            self.following = 0;
        }
        if part == Part::Risk {
            self.risk = None;
            self.troubles.risk = Some(text.clone());
        }
        self.troubles.stopped.insert(part, why.to_owned());
        self.revision += 1;
        step.effects.push(Effect::Say(Notice {
            level: Level::Error,
            text,
            remedy: Some("leave with q and start cotrader again: what was confirmed is recorded".into()),
        }));
    }
}
