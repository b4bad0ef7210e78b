//! Exit codes: a contract with scripts.

use std::process::ExitCode;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Ok,
    Failed,
    Usage,
    Blocked,
    BrokerUnreachable,
    StoreDamaged,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Blocked => 3,
            Exit::BrokerUnreachable => 4,
            Exit::StoreDamaged => 5,
        })
    }
}

/// What a command ended with instead of success: the words (none: nothing to say), the next step, the code.
#[derive(Debug)]
pub struct Trouble {
    pub exit: Exit,
    pub text: String,
    pub remedy: Option<String>,
}

impl Trouble {
    pub fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), remedy: None }
    }

    /// Whoever read the output has seen enough: nothing to say, nothing wrong.
    pub fn nobody_reads() -> Self {
        Self::new(Exit::Ok, "")
    }

    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(Exit::Failed, text)
    }

    pub fn with_remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}
