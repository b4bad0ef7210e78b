//! What the engine says to the trader outside the panels: answers to commands, refusals, alarms.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Gone after five seconds.
    Done,
    Warning,
    /// Stays until it is dismissed.
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    pub level: Level,
    pub text: String,
    /// What to do next, for warnings and errors.
    pub remedy: Option<String>,
}
