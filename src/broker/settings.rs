//! What every adapter is told about waiting: for answers, for streams that say nothing, between attempts.
//!
//! Never: names a broker.

use std::time::Duration;

/// Which world the addresses belong to. Each has its own credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    Production,
    /// The certification environment: delayed quotes, wiped daily.
    Sandbox,
    /// A simulated broker on this machine.
    Loopback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    pub connect: Duration,
    /// One request from its first byte to the last of the answer.
    pub request: Duration,
    /// The same for an order, which is sent once: longer, because giving up early leaves its fate open.
    pub order: Duration,
    /// One step of a stream's handshake.
    pub handshake: Duration,
}

/// When a peer that says nothing is asked whether it is there, and how long its answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    pub after: Duration,
    pub patience: Duration,
}

/// Waiting before the n-th attempt: a random time up to `min(cap, first · 2ⁿ)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reconnect {
    pub first: Duration,
    pub cap: Duration,
    /// A connection that lived so long starts the count anew.
    pub healthy_after: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            request: Duration::from_secs(20),
            order: Duration::from_secs(30),
            handshake: Duration::from_secs(10),
        }
    }
}

impl Default for Reconnect {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            cap: Duration::from_secs(30),
            healthy_after: Duration::from_secs(60),
        }
    }
}
