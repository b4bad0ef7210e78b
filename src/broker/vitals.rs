//! Is anybody there? A peer that says nothing for a moment is asked with a Ping frame; one that answers with
//! nothing at all is silent.
//!
//! Never: ends a connection. A pong proves a peer, not that it still has something to tell.

use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::link::Standing;
use super::settings::Probe;
use super::socket::Socket;

pub(super) struct Vitals {
    probe: Probe,
    heard: Instant,
    /// When it was asked since it was heard last. One question at a time.
    asked: Option<Instant>,
    silent: bool,
}

impl Vitals {
    pub fn new(probe: Probe) -> Self {
        Self { probe, heard: Instant::now(), asked: None, silent: false }
    }

    /// A frame came in, of whatever kind.
    pub fn heard(&mut self, standing: &Standing<'_>) {
        self.heard = Instant::now();
        self.asked = None;
        if std::mem::take(&mut self.silent) {
            standing.audible();
        }
    }

    /// Until there is something to do; for ever once the peer is known to be silent.
    pub async fn due(&self) {
        let at = match self.asked {
            None => self.heard + self.probe.after,
            Some(_) if self.silent => return std::future::pending().await,
            Some(asked) => asked + self.probe.patience,
        };
        sleep_until(at).await;
        // If it was we who slept, what the peer sent meanwhile is waiting: whoever reads it comes first.
        yield_now().await;
    }

    /// Asks, or says that the question was not answered.
    pub async fn turn(&mut self, socket: &mut Socket, standing: &Standing<'_>) -> Result<(), String> {
        if self.asked.is_none() {
            self.asked = Some(Instant::now());
            return socket.ping(self.probe.patience).await;
        }
        self.silent = true;
        standing.silent();
        Ok(())
    }
}
