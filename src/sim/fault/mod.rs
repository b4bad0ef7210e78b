//! A broker that does not behave, on demand: what goes wrong, where, how often. The plan is seeded, so that the
//! same requests meet the same faults.
//!
//! It is asked at four places: around the router's answers ([`http`]), under both streams ([`stream`]), over
//! the market as it is shown ([`market`]), and in how readily orders fill ([`FaultSpec::fills`]).
//!
//! Never: harms the simulation itself. Accounts, orders and the true market stay right; only what a client is
//! told of them, and whether and when, is not.

mod hostile;
pub mod http;
pub mod market;
mod spec;
pub mod stream;
pub mod wire;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::watch;

pub use http::{Endpoint, LateChange};
pub use spec::{BadFaults, FAULTS_HELP, FaultSpec};
pub use stream::Stream;

use crate::domain::time::Timestamp;

use super::exchange::{FillModel, Halt};
use super::world::noise::Noise;
use spec::{Fault, Place};

/// The plan, and how far it has come.
#[derive(Debug)]
pub struct Faults {
    noise: Noise,
    spec: watch::Sender<Arc<FaultSpec>>,
    requests: Vec<AtomicU64>,
    connections: AtomicU64,
    answers: AtomicU64,
    late: Mutex<Vec<LateChange>>,
}

impl Faults {
    pub fn new(seed: u64, spec: FaultSpec) -> Self {
        let counts = || AtomicU64::new(0);
        Self {
            noise: Noise::new(seed).named("fault"),
            spec: watch::Sender::new(Arc::new(spec)),
            requests: Endpoint::ALL.iter().map(|_| counts()).collect(),
            connections: counts(),
            answers: counts(),
            late: Mutex::default(),
        }
    }

    /// From now on these. What is counted goes on; streams take notice at once.
    pub fn set(&self, spec: FaultSpec) {
        self.spec.send_replace(Arc::new(spec));
    }

    fn spec(&self) -> Arc<FaultSpec> {
        Arc::clone(&self.spec.borrow())
    }

    /// A draw of its own for the n-th occasion of a rule.
    fn draw(&self, rule: usize, place: u64, nth: u64) -> Noise {
        self.noise.of(rule as u64).of(place).of(nth)
    }

    /// The instant as the next answer's `Date` gives it.
    pub fn date(&self, at: Timestamp) -> Timestamp {
        let spec = self.spec();
        let nth = self.answers.fetch_add(1, Ordering::Relaxed);
        let mut date = at;
        for (rule, item) in spec.items.iter().enumerate() {
            if let Fault::ClockSkew { by_ms, rate } = item.fault
                && self.draw(rule, 0, nth).uniform() < rate
            {
                date += TimeDelta::milliseconds(by_ms);
            }
        }
        date
    }

    /// How often all tokens lose their worth.
    pub fn tokens_end_every(&self) -> Option<Duration> {
        self.spec().items.iter().find_map(|item| match item.fault {
            Fault::AuthLost { every } => Some(every),
            _ => None,
        })
    }
}

impl FaultSpec {
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The venue's share: orders that fill piece by piece or but in part of their legs, and fills that overtake a
    /// cancel.
    pub fn fills(&self, model: FillModel) -> FillModel {
        self.items.iter().fold(model, |model, item| match item.fault {
            Fault::PartialFill { rate } => {
                FillModel { cut: rate, whole: model.whole * (1.0 - rate), ..model }
            }
            Fault::LegOut { rate } => FillModel { leg_out: rate, ..model },
            Fault::FillOnCancel { rate } => FillModel { fill_on_cancel: rate, ..model },
            _ => model,
        })
    }

    /// The venue's halts, counted from the instant it opens at.
    pub fn halts(&self, opened: Timestamp) -> Vec<Halt> {
        let halts = self.items.iter().filter_map(|item| match (&item.fault, &item.place) {
            (Fault::Halt { after, length }, Place::Symbol(symbol)) => {
                let from = opened + TimeDelta::from_std(*after).unwrap_or_default();
                let to = from + TimeDelta::from_std(*length).unwrap_or_default();
                Some(Halt { symbol: symbol.to_string(), from, to })
            }
            _ => None,
        });
        halts.collect()
    }

    fn at(&self, endpoint: Endpoint) -> impl Iterator<Item = (usize, &Fault)> {
        self.items.iter().enumerate().filter_map(move |(rule, item)| {
            let fits = match &item.place {
                Place::Anywhere => endpoint.is_usual(),
                Place::Endpoint(one) => one.covers(endpoint),
                Place::Stream(_) | Place::Symbol(_) => false,
            };
            fits.then_some((rule, &item.fault))
        })
    }

    fn on(&self, stream: Stream) -> impl Iterator<Item = (usize, &Fault)> {
        self.items.iter().enumerate().filter_map(move |(rule, item)| {
            let fits = match &item.place {
                Place::Anywhere => true,
                Place::Stream(one) => *one == stream,
                Place::Endpoint(_) | Place::Symbol(_) => false,
            };
            fits.then_some((rule, &item.fault))
        })
    }
}
