//! The kill switch as a file that any shell can put down: looked at, raised, and taken away by a reset.

use super::EngineTask;
use crate::domain::control::KillMode;
use crate::engine::Input;
use crate::runtime::kill_flag::KillFlag;
use crate::snapshot::{Level, Notice};

impl EngineTask {
    /// Once a second and at the start. What it says goes to the engine where that does not know it yet.
    pub(super) async fn look_at_flag(&mut self) {
        self.flag_seen = self.ports.kill_flag.seen();
        if self.engine.minds_kill_flag(self.flag_seen.as_ref()) {
            self.take(Input::KillFlag(self.flag_seen.clone())).await;
        }
    }

    pub(super) fn raise_flag(&mut self, mode: KillMode, why: &str) {
        if let Err(error) = self.ports.kill_flag.raise(mode, why) {
            self.say(flag_trouble(
                format!("the flag file cannot be put down: {error}"),
                &self.ports.kill_flag,
            ));
        }
        self.flag_seen = self.ports.kill_flag.seen();
    }

    pub(super) fn lower_flag(&mut self) {
        let lowered = self.ports.kill_flag.lower(self.flag_seen.as_ref());
        match lowered {
            Ok(true) => self.flag_seen = None,
            Ok(false) => {
                let text = "another flag file was put down meanwhile: the switch goes up again".to_owned();
                self.say(flag_trouble(text, &self.ports.kill_flag));
            }
            Err(error) => {
                let text = format!("the flag file cannot be taken away: {error}");
                self.say(flag_trouble(text, &self.ports.kill_flag));
            }
        }
    }
}

fn flag_trouble(text: String, flag: &KillFlag) -> Notice {
    let remedy = format!("look at {}", flag.path().display());
    Notice { level: Level::Error, text: format!("kill switch: {text}"), remedy: Some(remedy) }
}
